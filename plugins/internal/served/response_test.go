package served_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/plugintest"
)

func TestServedResponse(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 20<<10)
	answers := func(body string) func(int, http.ResponseWriter) {
		return func(_ int, w http.ResponseWriter) {
			w.Header().Set("X-Upstream", "yes")
			_, _ = io.WriteString(w, body)
		}
	}
	small := everything
	small.Response = &pipeline.ResponseNeeds{Body: pipeline.BodyFull, BodyLimit: 8}
	for _, tc := range []struct {
		name  string
		needs pipeline.Needs
		body  string
		do    pipeline.StageFunc
		want  string // status, X-Set, body
	}{
		{"comes_back_as_it_is", everything, big, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			return next.RoundTrip(req)
		}, "200  " + big},
		{"is_still_whole_after_the_stage_has_read_it", everything, big, func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			data, err := io.ReadAll(resp.Body)
			if err != nil || string(data) != big {
				return nil, fmt.Errorf("read %d bytes: %w", len(data), err)
			}
			resp.Header.Set("X-Set", "read")
			return resp, resp.Body.Close()
		}, "200 read " + big},
		{"is_changed_in_every_part", everything, "pong", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			data, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			resp.StatusCode = 299
			resp.Header.Set("X-Set", resp.Header.Get("X-Upstream"))
			resp.Header.Del("Content-Length")
			resp.Body = io.NopCloser(strings.NewReader(string(data) + "!"))
			return resp, nil
		}, "299 yes pong!"},
		{"is_left_alone_where_the_stage_puts_back_what_it_read", small, "pong and more", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			head := make([]byte, 4)
			if _, err := io.ReadFull(resp.Body, head); err != nil {
				return nil, err
			}
			resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(head), resp.Body))
			return resp, nil
		}, "200  pong and more"},
		{"says_where_the_limit_is", small, "pong and more", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			data, err := io.ReadAll(resp.Body)
			if string(data) != "pong and" || err == nil || !strings.Contains(err.Error(), "response.body_limit") {
				return nil, fmt.Errorf("read %q: %w", data, err)
			}
			return resp, nil
		}, "200  pong and more"},
		{"tells_its_digest_and_not_its_bytes", digests, "pong", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			d, err := pipeline.DigestOfResponse(resp)
			if err != nil || d.Length != 4 {
				return nil, fmt.Errorf("got %v: %w", d, err)
			}
			if _, err := resp.Body.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "DigestOfResponse") {
				return nil, fmt.Errorf("reading gave %w", err)
			}
			return resp, nil
		}, "200  pong"},
		{"is_never_seen_where_the_needs_have_none", pipeline.DefaultNeeds(), "pong", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil || resp.StatusCode != 0 {
				return nil, fmt.Errorf("got %v: %w", resp, err)
			}
			if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
				return nil, errors.New("it could be read")
			}
			return resp, nil
		}, "200  pong"},
		{"stands_though_a_stage_that_never_sees_it_returns_another", pipeline.DefaultNeeds(), "pong", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			if _, err := next.RoundTrip(req); err != nil {
				return nil, err
			}
			return nil, errors.New("too late")
		}, "200  pong"},
		{"can_be_the_stages_own", everything, "pong", func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return &http.Response{StatusCode: 203, Header: http.Header{"X-Set": {"own"}, "Content-Length": {strconv.Itoa(len(big))}}, Body: io.NopCloser(strings.NewReader(big))}, nil
		}, "203 own " + big},
		{"can_be_the_stages_own_after_next", everything, "pong", func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			pipeline.Drop(resp)
			return &http.Response{StatusCode: 203, Body: http.NoBody}, nil
		}, "203  "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			up, _ := upstream(t, answers(tc.body))
			p := open(t, up.URL, plugintest.Factory(t, stage(tc.needs, tc.do)), "")
			resp, body, err := send(t, p, "GET", "/", nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("X-Set"), " ", body); got != tc.want {
				t.Errorf("got %.60q, want %.60q", got, tc.want)
			}
		})
	}
}
