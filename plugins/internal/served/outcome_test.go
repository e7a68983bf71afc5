package served_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/plugintest"
)

func TestServedErrors(t *testing.T) {
	broken := func(_ int, w http.ResponseWriter) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	}
	for _, tc := range []struct {
		name   string
		needs  pipeline.Needs
		answer func(int, http.ResponseWriter)
		do     pipeline.StageFunc
		kind   pipeline.Kind
		text   string
	}{
		{"a_panic_is_an_error_of_its_exchange", everything, nil, func(*http.Request, http.RoundTripper) (*http.Response, error) {
			panic("ouch")
		}, pipeline.KindInternal, "panic: ouch"},
		{"an_error_keeps_its_kind", everything, nil, func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return nil, pipeline.Errorf(pipeline.KindPolicy, "not today")
		}, pipeline.KindPolicy, "not today"},
		{"a_second_next_needs_retry", func() pipeline.Needs { n := everything; n.Retry = false; return n }(), nil, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			pipeline.Drop(resp)
			return next.RoundTrip(req)
		}, pipeline.KindInternal, "no retry"},
		{"a_body_that_broke_off_keeps_its_cause", everything, broken, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			_, err = io.ReadAll(resp.Body)
			return nil, err
		}, pipeline.KindNetwork, "before the whole answer"},
		{"neither_response_nor_error_is_an_error", everything, nil, func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return nil, nil //nolint:nilnil // the point
		}, pipeline.KindInternal, "neither"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			up, _ := upstream(t, tc.answer)
			p := open(t, up.URL, plugintest.Factory(t, stage(tc.needs, tc.do)), "")
			_, _, err := send(t, p, "GET", "/", nil)
			e, ok := errors.AsType[*pipeline.Error](err)
			if !ok || e.Kind != tc.kind || !strings.Contains(e.Message, tc.text) || e.Stage != "mine" && tc.name != "a_body_that_broke_off_keeps_its_cause" {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("of_next_come_back_as_they_were", func(t *testing.T) {
		up, _ := upstream(t, nil)
		up.Close()
		do := func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, fmt.Errorf("around: %w", err)
			}
			return resp, nil
		}
		p := open(t, up.URL, plugintest.Factory(t, stage(everything, do)), "")
		_, _, err := send(t, p, "GET", "/", nil)
		e, ok := errors.AsType[*pipeline.Error](err)
		if !ok || e.Kind != pipeline.KindNetwork || e.Class != pipeline.ClassNotSent || e.Stage != "send" {
			t.Errorf("got %v", err)
		}
		if errors.Unwrap(e) == nil {
			t.Error("the cause is lost")
		}
	})
}
