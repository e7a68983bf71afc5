package credential

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &tokens{life: time.Hour, latency: time.Second}
		s := open(t, SessionConfig{Source: k})
		ctx, cancel := context.WithCancel(t.Context())
		ch := s.Watch(ctx)
		if st := <-ch; st.Status != StatusEmpty {
			t.Fatalf("got %+v", st)
		}
		s.Renew()
		if st := <-ch; !st.Renewing {
			t.Fatalf("got %+v", st)
		}
		if st := <-ch; st.Status != StatusFresh || st.Renewing || st.Generation != 1 {
			t.Fatalf("got %+v", st)
		}
		s.Reject(1)
		acquire(t, s)
		if err := s.Logout(t.Context()); err != nil {
			t.Fatal(err)
		}
		if st := <-ch; st.Status != StatusClosed { // the states in between were missed, the last one not
			t.Fatalf("got %+v", st)
		}
		select {
		case st := <-ch:
			t.Fatalf("nothing happened, got %+v", st)
		default:
		}
		cancel()
		if _, ok := <-ch; ok {
			t.Fatal("not closed with its context")
		}
		other := s.Watch(t.Context())
		_ = s.Close()
		for range other { // ends with the session
		}
		for range s.Watch(t.Context()) {
		}
	})
}

func TestStateAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, SessionConfig{Source: &tokens{}})
		if err := s.Set(t.Context(), Token{Access: redact.NewSecret("x"), Lifetime: time.Hour}); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(s.State())
		want := `{"name":"demo","status":"fresh","generation":1,"expires":"2000-01-01T01:00:00Z","renewing":false,"unsaved":false,"rejections":0,"store_failing":false}`
		if string(got) != want || err != nil {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	})
}
