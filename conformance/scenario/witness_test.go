package scenario

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A pipeline guards these itself, so no stage can break them: the witness is asked directly.
func TestWitness(t *testing.T) {
	answer := func() *http.Response { return &http.Response{StatusCode: 200, Body: http.NoBody} }
	for name, tc := range map[string]struct {
		do   roundTrip
		want string
	}{
		"nothing":  {func(*http.Request) (*http.Response, error) { return answer(), nil }, ""},
		"an_error": {func(*http.Request) (*http.Response, error) { return nil, pipeline.Errorf(pipeline.KindPolicy, "no") }, ""},
		"a_header": {func(req *http.Request) (*http.Response, error) { req.Header.Set("X-A", "2"); return answer(), nil }, "call.request_unchanged"},
		"a_value":  {func(req *http.Request) (*http.Response, error) { req.Header["X-A"][0] = "2"; return answer(), nil }, "call.request_unchanged"},
		"a_method": {func(req *http.Request) (*http.Response, error) { req.Method = "PUT"; return answer(), nil }, "call.request_unchanged"},
		"a_path":   {func(req *http.Request) (*http.Response, error) { req.URL.Path = "/b"; return answer(), nil }, "call.request_unchanged"},
		"a_host":   {func(req *http.Request) (*http.Response, error) { req.Host = "b"; return answer(), nil }, "call.request_unchanged"},
		"both": {func(*http.Request) (*http.Response, error) {
			return answer(), pipeline.Errorf(pipeline.KindPolicy, "no")
		}, "call.one_result"},
		"neither":   {func(*http.Request) (*http.Response, error) { return nil, nil }, "call.one_result"}, //nolint:nilnil // that is the point
		"any_error": {func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, "call.one_result"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &caller{}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/a", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-A", "1")
			resp, err := (&witness{tc.do, c}).RoundTrip(req)
			if resp != nil {
				resp.Body.Close()
			}
			if got := strings.Join(c.odd, "\n"); !strings.Contains(got, tc.want) || tc.want == "" && got != "" {
				t.Errorf("%v: %q, want %q", err, got, tc.want)
			}
		})
	}
}

func TestJudge_misses_a_request_body_that_nobody_closed(t *testing.T) {
	for closed, want := range map[int]int{1: 0, 0: 1} {
		var r Result
		c := &caller{name: "call 1", spec: &Call{}, left: -1, bodies: 1, released: closed, err: errors.New("refused")}
		(&judge{result: &r}).call(c)
		if len(r.Failures) != want {
			t.Errorf("%d closed: %+v", closed, r.Failures)
		}
	}
}
