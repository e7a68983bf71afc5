package pipeline_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestReopened: net/http's HTTP/2 opens a body to send again, finds no connection, and opens another; nobody closes the first.
func TestReopened(t *testing.T) {
	for name, outcome := range map[string]error{"answered": nil, "failed": errors.New("no connection")} {
		t.Run(name, func(t *testing.T) {
			opened, closed := 0, 0
			open1 := func() (io.ReadCloser, error) {
				opened++
				return onClose{strings.NewReader("body"), func() { closed++ }}, nil
			}
			p := open(t, "", roundTripper(func(r *http.Request) (*http.Response, error) {
				_ = r.Body.Close()
				for range 2 {
					if _, err := r.GetBody(); err != nil {
						t.Error(err)
					}
				}
				if outcome != nil {
					return nil, outcome
				}
				last, err := r.GetBody()
				if err != nil {
					t.Error(err)
				}
				text, err := io.ReadAll(last)
				_ = last.Close()
				if string(text) != "body" || err != nil {
					t.Errorf("the last body: got %q, %v", text, err)
				}
				return answer(200, "{}"), nil
			}), pass)
			req, err := p.NewRequest(t.Context(), "PUT", "/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Body, _ = open1()
			req.GetBody = open1
			resp, err := p.RoundTrip(req)
			if (err != nil) != (outcome != nil) {
				t.Fatal(err)
			}
			if resp != nil {
				_ = resp.Body.Close()
			}
			if opened != closed {
				t.Errorf("bodies: %d were opened, %d closed", opened, closed)
			}
		})
	}
}

type onClose struct {
	io.Reader
	f func()
}

func (b onClose) Close() error {
	b.f()
	return nil
}
