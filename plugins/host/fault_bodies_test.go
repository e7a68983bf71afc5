//go:build linux || darwin

package host_test

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/host"
)

// hugeBody is a body that is longer than what anybody is granted by default.
func hugeBody(seed byte) []byte {
	data := make([]byte, 16<<20)
	for i := 0; i < len(data); i += 100 {
		data[i] = byte(i>>10) ^ seed
	}
	return data
}

// TestFaultBody sends bodies of 16 MiB through a stage in every mode.
func TestFaultBody(t *testing.T) {
	t.Parallel()
	request, response := hugeBody(1), hugeBody(2)
	handler := func(rw http.ResponseWriter, req *http.Request) {
		got, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		rw.Header().Set("X-Got", host.SeenOf(got))
		rw.Header().Set("X-Told", req.Header.Get("X-Seen"))
		rw.Header().Set("Content-Length", strconv.Itoa(len(response)))
		_, _ = rw.Write(response)
	}
	const fits = "\nlimit = \"20MiB\""
	for _, c := range []struct {
		name, table string
		once        bool   // the request's body can't be had again
		told, seen  bool   // the stage knows the request's body, the response's
		turned      bool   // it changes them
		refused     string // by a limit; "" is no error
		sends       int
	}{
		{name: "none", sends: 1},
		{name: "none_changed_headers_alone", table: `change = true`, sends: 1},
		{name: "none_once", once: true, sends: 1},
		{name: "digest", table: `request_body = "digest"`, told: true, sends: 1},
		{name: "digest_once_beyond_the_limit", table: `request_body = "digest"`, once: true, refused: "request.body_limit", sends: 0},
		{name: "digest_once", table: `request_body = "digest"` + fits, once: true, told: true, sends: 1},
		{name: "full_beyond_the_limit", table: `request_body = "full"`, refused: "request.body_limit", sends: 0},
		{name: "full_once_beyond_the_limit", table: `request_body = "full"`, once: true, refused: "request.body_limit", sends: 0},
		{name: "full", table: `request_body = "full"` + fits, told: true, sends: 1},
		{name: "full_once", table: `request_body = "full"` + fits, once: true, told: true, sends: 1},
		{name: "response_digest_beyond_the_limit", table: `response_body = "digest"`, refused: "response.body_limit", sends: 1},
		{name: "response_digest", table: `response_body = "digest"` + fits, seen: true, sends: 1},
		{name: "response_full_beyond_the_limit", table: `response_body = "full"`, refused: "response.body_limit", sends: 1},
		{name: "response_full", table: `response_body = "full"` + fits, seen: true, sends: 1},
		{name: "both_full", table: "request_body = \"full\"\nresponse_body = \"full\"" + fits, told: true, seen: true, sends: 1},
		{name: "both_changed", table: "request_body = \"full\"\nresponse_body = \"full\"\nchange = true" + fits, told: true, seen: true, turned: true, sends: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, setting{command: []string{"as-good"}, stage: c.table + "\non_failure = \"skip\"\ntimeout = \"15s\"", handler: handler})
			var body io.Reader = bytes.NewReader(request)
			if c.once {
				body = struct{ io.Reader }{body}
			}
			a := w.sendTo("api", body)
			if sends := w.sent(a); sends != c.sends {
				t.Errorf("sent %d times, want %d", sends, c.sends)
			}
			if c.refused != "" {
				if a.err == nil || a.err.Kind != pipeline.KindPolicy || !strings.Contains(a.err.Message, "1MiB") || !strings.Contains(a.err.Message, c.refused) {
					t.Errorf("got %v, want an error of kind policy that names the limit and %s", a, c.refused)
				}
				return
			}
			if a.status() != http.StatusOK {
				t.Fatalf("got %v", a)
			}
			wantRequest, wantResponse := request, response
			if c.turned {
				wantRequest, wantResponse = host.Turned(request), host.Turned(response)
			}
			for _, check := range []struct{ what, got, want string }{
				{"the upstream got", a.header("X-Got"), host.SeenOf(wantRequest)},
				{"the caller got", host.SeenOf([]byte(a.body)), host.SeenOf(wantResponse)},
				{"the stage saw of the request", a.header("X-Told"), onlyIf(c.told, host.SeenOf(request))},
				{"the stage saw of the response", a.header("X-Seen"), onlyIf(c.seen, host.SeenOf(response))},
			} {
				if check.got != check.want {
					t.Errorf("%s %q, want %q", check.what, check.got, check.want)
				}
			}
		})
	}
}

func onlyIf(ok bool, text string) string {
	if ok {
		return text
	}
	return ""
}
