//go:build linux || darwin

package host

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins"
)

// beRecorded is the main of the plugin that is recorded, in Go. Those in other languages, in testdata/foreign, serve the same.
func beRecorded() error {
	up := &pipeline.ResponseNeeds{Headers: []string{"x-up"}}
	seen := &pipeline.ResponseNeeds{Headers: []string{"x-up"}, Edit: []string{"x-seen"}}
	return plugins.Run(plugins.Options{Name: "recorded", Version: "1", Stages: []pipeline.Factory{
		pipeline.Define("edit", editConfig{Mark: "m"}, newEdit).WithNeeds(pipeline.Needs{
			Request: pipeline.RequestNeeds{
				Headers: []string{"x-in", "x-gone"}, Query: true, Edit: []string{"x-out", "x-two", "x-gone", ":method", ":url"},
				Call: []string{"subject", "operation", "labels", "idempotency_key"},
			},
			Response: &pipeline.ResponseNeeds{Headers: []string{"x-up"}, Edit: []string{"x-seen", ":status"}},
		}),
		recordedType("last", recordedLast, pipeline.Needs{Request: pipeline.RequestNeeds{Edit: []string{"x-out"}}, Credentials: []string{"key"}}),
		recordedType("end", recordedEnd, pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"x-do"}}, Response: up, Answer: true}),
		recordedType("twice", recordedTwice, pipeline.Needs{Response: up, Retry: true}),
		recordedType("bodies", recordedBodies, pipeline.Needs{
			Request:  pipeline.RequestNeeds{Body: pipeline.BodyFull, Edit: []string{":body"}},
			Response: &pipeline.ResponseNeeds{Body: pipeline.BodyFull, Edit: []string{":body"}},
		}),
		recordedType("digest", recordedDigest, pipeline.Needs{Request: pipeline.RequestNeeds{Body: pipeline.BodyDigest, Edit: []string{"x-out"}}}),
		recordedType("after", recordedAfter, pipeline.Needs{Response: seen}),
		pipeline.Define("watch", struct{}{}, func(_ struct{}, s pipeline.Settings) (pipeline.Stage, error) { return &recordedWatch{s}, nil }).
			WithNeeds(pipeline.Needs{Calls: true}),
	}})
}

func recordedType(typ string, do pipeline.StageFunc, needs pipeline.Needs) pipeline.Factory {
	return pipeline.Define(typ, struct{}{}, func(struct{}, pipeline.Settings) (pipeline.Stage, error) { return do, nil }).WithNeeds(needs)
}

type editConfig struct {
	Mark string `toml:"mark"`
}

// Validate refuses a mark that no header can hold.
func (c *editConfig) Validate() error {
	if strings.Contains(c.Mark, "\n") {
		return pipeline.Invalid("mark", "mark must be one line")
	}
	return nil
}

// newEdit makes a stage that changes a bit of everything, and says so.
func newEdit(c editConfig, s pipeline.Settings) (pipeline.Stage, error) {
	return pipeline.StageFunc(func(req *http.Request, next http.RoundTripper) (*http.Response, error) {
		call := pipeline.CallFrom(req.Context())
		_, span := otel.Tracer("recorded").Start(req.Context(), "work")
		span.SetAttributes(attribute.Int("size", 3))
		span.End()
		s.Log().InfoContext(req.Context(), "seen", "n", 1, "text", "in")
		key := call.IdempotencyKey()
		req.Header.Set("X-Out", strings.Join([]string{c.Mark, req.Header.Get("X-In"), call.Subject(), call.Operation(), call.Label("team"), key}, ":"))
		req.Header["X-Two"] = []string{"a", "b"}
		req.Header.Del("X-Gone")
		req.Method, req.URL.RawQuery = http.MethodPut, req.URL.RawQuery+"&more=1"
		resp, err := next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		resp.StatusCode = http.StatusAccepted
		resp.Header.Set("X-Seen", resp.Header.Get("X-Up"))
		return resp, nil
	}), nil
}

// recordedLast has no part in the answer.
func recordedLast(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	call := pipeline.CallFrom(req.Context())
	call.UseCredential("key", "")
	call.Note(pipeline.Event{Name: "noted", Reason: "why", Text: "of last"})
	req.Header.Set("X-Out", "last")
	return next.RoundTrip(req)
}

// recordedEnd ends in all ways.
func recordedEnd(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	answer := func(text string) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusNonAuthoritativeInfo, Header: http.Header{"X-Own": {"yes"}}, ContentLength: int64(len(text)), Request: req,
			Body: io.NopCloser(strings.NewReader(text)),
		}, nil
	}
	switch req.Header.Get("X-Do") {
	case "error":
		return nil, &pipeline.Error{Kind: pipeline.KindPolicy, Class: pipeline.ClassTerminal, Reason: "tenant", Message: "no tenant"}
	case "panic":
		panic("as it was asked to")
	case "small":
		return answer("own")
	case "large":
		return answer(strings.Repeat("l", 100_000))
	}
	resp, err := next.RoundTrip(req)
	if err != nil && req.Header.Get("X-Do") == "other" {
		return nil, &pipeline.Error{Kind: pipeline.KindServer, Class: pipeline.ClassTerminal, Reason: "made", Message: "it was made of that"}
	}
	return resp, err
}

// recordedTwice sends a second time where the first was busy.
func recordedTwice(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	rewind := pipeline.Replay(req)
	for {
		r, err := rewind.Next()
		if err != nil {
			return nil, err
		}
		pipeline.CallFrom(req.Context()).StartAttempt()
		resp, err := next.RoundTrip(r)
		if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
			return resp, err
		}
		pipeline.Drop(resp)
		if err := pipeline.CallFrom(req.Context()).Wait(req.Context(), time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// recordedBodies hands on bodies in capitals.
func recordedBodies(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	data, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(bytes.NewReader(bytes.ToUpper(data)))
	resp, err := next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	data, err = io.ReadAll(resp.Body)
	pipeline.Drop(resp)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(bytes.ToUpper(data)))
	return resp, nil
}

// recordedDigest tells the upstream what a body is.
func recordedDigest(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	d, err := pipeline.DigestOf(req)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Out", fmt.Sprintf("%d %x", d.Length, d.SHA256[:4]))
	return next.RoundTrip(req)
}

// recordedAfter acts on answers alone.
func recordedAfter(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	resp, err := next.RoundTrip(req)
	if err == nil {
		resp.Header.Set("X-Seen", resp.Header.Get("X-Up"))
	}
	return resp, err
}

// recordedWatch hears of the ends of calls.
type recordedWatch struct{ settings pipeline.Settings }

// Do implements pipeline.Stage.
func (*recordedWatch) Do(req *http.Request, next http.RoundTripper) (*http.Response, error) {
	return next.RoundTrip(req)
}

// CallEnded implements pipeline.CallObserver.
func (w *recordedWatch) CallEnded(ctx context.Context, c *pipeline.Call, _ *http.Request) {
	status, err := c.Result()
	if err != nil {
		status = -1
	}
	w.settings.Log().InfoContext(ctx, "ended", "status", status)
}

// beTaped is the main of what the tests of recorded frames run, if args name one of it.
func beTaped(args []string) bool {
	var err error
	switch args[0] {
	case "as-recorded":
		err = beRecorded()
	case "as-recorder":
		err = beRecorder(args[1], args[2:])
	case "as-player":
		err = bePlayer(args[1])
	default:
		return false
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}
