package retry

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/leatdev/leat/pipeline"
)

// TestNestedHeader_of_the_request_being_served: a service that is called by one which sends again leaves that to it.
func TestNestedHeader_of_the_request_being_served(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header string // of the request that comes in
		table  string
		sends  int
		reason string
	}{
		{"it came with the header", "X-Retry-Owner", `nested_header = "x-retry-owner"`, 1, ReasonNested},
		{"it came with another", "X-Other", `nested_header = "x-retry-owner"`, 3, ReasonMaxAttempts},
		{"the file names none", "X-Retry-Owner", "", 3, ReasonMaxAttempts},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := httptest.NewRequest("GET", "/", nil)
				in.Header.Set(tt.header, "1")
				told := 0
				up := script(t)
				up.script = []any{func(req *http.Request) (*http.Response, error) {
					if req.Header.Get("X-Retry-Owner") != "" {
						told++
					}
					return up.answer(req, 503, nil), nil
				}}
				p := open(t, tt.table, up)
				_, call, err := run(t, p, request(pipeline.With(t.Context(), pipeline.Serving(in)), t, "GET", nil))
				if err != nil || up.sends != tt.sends || call.StopReason() != tt.reason {
					t.Errorf("%d sends, reason %q, want %d and %q; err %v", up.sends, call.StopReason(), tt.sends, tt.reason, err)
				}
				if want := tt.sends; tt.table != "" && told != want {
					t.Errorf("%d of %d sends say that somebody sends again", told, want)
				}
				if call.Serves("X-Nothing") {
					t.Error("the call serves a request with a header that it did not have")
				}
			})
		})
	}
}
