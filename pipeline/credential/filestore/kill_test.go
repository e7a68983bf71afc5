package filestore

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestProcess_killed_at_each_step kills -9 the process that renews while two others, of two sessions each, wait for it.
func TestProcess_killed_at_each_step(t *testing.T) {
	const (
		survivors, sessions = 2, 2
		// deadline is for those who wait: the kernel frees the turn at once, they look every 80 ms, and one of them may have to renew.
		deadline = 5 * time.Second
		// begin is for a process to start, on a machine that has other work.
		begin = 30 * time.Second
	)
	for _, tc := range []struct {
		step string
		lost bool // the new refresh token is gone with its process
		asks int  // token requests in all
	}{
		{step: "turn", asks: 1},                 // before the request
		{step: "rotated", lost: true, asks: 2},  // before the answer was read
		{step: "answered", lost: true, asks: 2}, // before anything else
		{step: "save", lost: true, asks: 2},     // before the store is called
		{step: "create", lost: true, asks: 2},   // before there is a temporary file
		{step: "write", lost: true, asks: 2},    // while that is empty
		{step: string(stepSync), asks: 1},       // it is complete: the next one finishes the write
		{step: string(stepRename), asks: 1},     // and is on disk
		{step: string(stepDurable), asks: 1},    // renamed
		{step: "saved", asks: 1},                // before the sessions of that process heard of it
	} {
		for _, grace := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/grace_%v", tc.step, grace), func(t *testing.T) {
				dir, held := t.TempDir()+"/tokens", make(chan struct{})
				hold := func(rotation int) bool { // the first one is the victim's
					first := tc.step == "rotated" && rotation == 1
					if first {
						close(held)
					}
					return first
				}
				server := (&tokenServer{life: time.Hour, grace: grace, hold: hold}).start(t)
				seed(t, dir)
				env := []string{"DIR=" + dir, "SERVER=" + server.URL, fmt.Sprint("SESSIONS=", sessions)}
				victim := start(t, "victim", append(env, "STEP="+tc.step)...)
				if tc.step == "rotated" {
					select {
					case <-held:
					case <-time.After(begin):
						t.Fatal("the victim has not asked for a token")
					}
				} else {
					victim.says(t, "at "+tc.step, begin)
				}
				var rest []*process
				for range survivors {
					rest = append(rest, start(t, "survivor", env...))
				}
				for _, p := range rest {
					p.says(t, "waiting", begin)
				}
				<-time.After(150 * time.Millisecond) // most of them wait by now; none may go on unless the token is there
				holder, err := open(t, dir, nil).Holder(t.Context(), demo)
				if err != nil || !strings.HasSuffix(holder, fmt.Sprint(", ", victim.Process.Pid)) {
					t.Errorf("the holder is %q (%v), want process %d", holder, err, victim.Process.Pid)
				}
				if err := victim.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				for _, p := range rest {
					result := p.says(t, "result ", deadline)
					judge(t, result, tc.lost && !grace, access(server.state().n))
				}
				now := server.state()
				if len(now.requests) != tc.asks {
					t.Errorf("got %d token requests, want %d:\n%s", len(now.requests), tc.asks, strings.Join(now.requests, "\n"))
				}
				if now.revoked != (tc.lost && !grace) {
					t.Errorf("the family is revoked: %v", now.revoked)
				}
				left, err := open(t, dir, nil).Load(t.Context(), demo)
				if err != nil || left.Generation < 2 {
					t.Errorf("the store holds generation %d (%v)", left.Generation, err)
				}
			})
		}
	}
}

// judge reads what a survivor's sessions came to: the token, or the one error that says what to do.
func judge(t *testing.T, result string, dead bool, want string) {
	t.Helper()
	var got []outcome
	if err := json.Unmarshal([]byte(result), &got); err != nil {
		t.Fatal(err)
	}
	for _, o := range got {
		switch {
		case !dead && (o.Access != want || o.Error+o.Second != ""):
			t.Errorf("got token %q and errors %q and %q, want %q", o.Access, o.Error, o.Second, want)
		case dead && (!strings.Contains(o.Error, "login required") || o.Second != o.Error):
			t.Errorf("got token %q and errors %q and %q, want that a login is required, twice", o.Access, o.Error, o.Second)
		}
	}
}
