package validate_test

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages/validate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answer is what the upstream of a test gives.
type answer struct {
	status int    // 0: 200
	kind   string // Content-Type; "": application/json, "-": none
	body   string
	length int64 // 0: the body's own, -1: unknown
	header http.Header
	rc     io.ReadCloser // in place of body
}

func (a answer) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Request: req, ContentLength: int64(len(a.body)), Body: a.rc, ProtoMajor: 1, ProtoMinor: 1}
	if a.status != 0 {
		resp.StatusCode = a.status
	}
	maps.Copy(resp.Header, a.header)
	switch a.kind {
	case "":
		resp.Header.Set("Content-Type", "application/json")
	case "-":
	default:
		resp.Header.Set("Content-Type", a.kind)
	}
	if a.length != 0 {
		resp.ContentLength = a.length
	}
	if resp.Body == nil {
		resp.Body = io.NopCloser(strings.NewReader(a.body))
	}
	return resp, nil
}

// open opens a pipeline that holds the stage alone, with the keys of its table.
func open(t testing.TB, keys string, upstream http.RoundTripper, opts ...pipeline.Option) *pipeline.Pipeline {
	t.Helper()
	src := "version = 1\n[stages.validate]\n" + keys + "\n[pipelines.p]\nbase_url = \"https://api.example.com\"\nstages = [\"validate\"]\n"
	opts = append([]pipeline.Option{
		pipeline.WithStages(validate.Factory()), pipeline.WithTransport("default", upstream), pipeline.WithEnviron(nil),
	}, opts...)
	r, err := pipeline.OpenBytes(t.Context(), "testdata/t.toml", []byte(src), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	p, err := r.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// send sends one request; it returns what the caller reads, or the error.
func send(t testing.TB, p *pipeline.Pipeline, method string) (string, *http.Response, error) {
	t.Helper()
	req, err := p.NewRequest(t.Context(), method, "/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.RoundTrip(req)
	if err != nil {
		if resp != nil {
			t.Error("a response beside an error")
		}
		return "", nil, err
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read the body: %v", err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return string(text), resp, nil
}
