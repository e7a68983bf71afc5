package host

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

func text(key, value string) *wire.Attribute {
	return &wire.Attribute{Key: key, Value: &wire.Attribute_Text{Text: value}}
}

func TestTelemetry_spans(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	now := time.Now()
	var parent string
	sc := newScene(t, signs(), answering, func(x *said) {
		parent = x.do.GetTraceparent()
		if !x.do.GetRecording() {
			t.Error("recording is not told")
		}
		x.send(&wire.Frame{Kind: &wire.Frame_Next{Next: &wire.Next{
			Last: true,
			Span: &wire.SpanData{Attributes: []*wire.Attribute{text("key.id", "k1"), text("api_key", "hunter2")}, Failed: true, Status: "half"},
			Spans: []*wire.Span{
				{Name: "hash", Start: now.Add(-time.Millisecond).UnixNano(), End: now.UnixNano(), Data: &wire.SpanData{Events: []*wire.SpanEvent{{Name: "e", Time: now.UnixNano()}}}},
				{Name: "inner", Parent: 1, Start: now.UnixNano(), End: now.UnixNano(), Kind: "client"},
				{Name: "lies", Parent: 99, Start: 1, End: 0},
			},
		}}})
	}, withOptions(pipeline.WithTracerProvider(provider)))
	if _, _, err := sc.get(sc.simple()); err != nil {
		t.Fatal(err)
	}
	spans := map[string]sdktrace.ReadOnlySpan{}
	for _, s := range recorder.Ended() {
		spans[s.Name()] = s
	}
	hop, stage := spans["plugin signer/hmac"], spans["stage sign"]
	if hop == nil || stage == nil || hop.Parent().SpanID() != stage.SpanContext().SpanID() || hop.SpanKind() != trace.SpanKindInternal {
		t.Fatalf("got %v", spans)
	}
	if want := fmt.Sprintf("00-%s-%s-01", hop.SpanContext().TraceID(), hop.SpanContext().SpanID()); parent != want {
		t.Errorf("got traceparent %q, want %q", parent, want)
	}
	for child, of := range map[string]string{"hash": "plugin signer/hmac", "inner": "hash", "lies": "plugin signer/hmac"} {
		if s := spans[child]; s == nil || s.Parent().SpanID() != spans[of].SpanContext().SpanID() || s.SpanContext().TraceID() != hop.SpanContext().TraceID() {
			t.Errorf("%s is no child of %s: %v", child, of, s)
		}
	}
	if s := spans["hash"]; !s.StartTime().Equal(time.Unix(0, now.Add(-time.Millisecond).UnixNano())) || len(s.Events()) != 1 {
		t.Errorf("got start %v, events %v", s.StartTime(), s.Events())
	}
	if got := fmt.Sprint(stage.Attributes()); !strings.Contains(got, "k1") || strings.Contains(got, "hunter2") || stage.Status().Code != codes.Error {
		t.Errorf("got %s %v", got, stage.Status())
	}
	if got := spans["GET"]; got == nil || got.Parent().SpanID() != stage.SpanContext().SpanID() {
		t.Errorf("the send is no child of the stage: %v", got)
	}
}

func TestTelemetry_of_a_failure(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	sc := newScene(t, signs(), answering, func(x *said) { x.last(set("connection", "close")) }, withTable(`on_failure = "skip"`), withOptions(pipeline.WithTracerProvider(provider)))
	resp, _, err := sc.get(sc.simple())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range recorder.Ended() {
		if s.Name() == "plugin signer/hmac" && s.Status().Code == codes.Error {
			events := pipeline.CallOf(resp).Events()
			if len(events) == 0 || events[0].Name != pipeline.EventSkipped || events[0].Reason != classInvalid || events[0].Stage != "sign" {
				t.Errorf("got %v", events)
			}
			return
		}
	}
	t.Error("the failure shows in no span")
}

func TestTelemetry_logs(t *testing.T) {
	sc := newScene(t, signs(), answering, func(x *said) {
		x.log(&wire.Log{Level: 0, Message: "signed with Authorization: Bearer abcdefghijklmnop", Attributes: []*wire.Attribute{
			text("key_id", "k1"), text("password", "hunter2"),
			{Key: "n", Value: &wire.Attribute_Integer{Integer: 7}},
			{Key: "g", Value: &wire.Attribute_Group{Group: &wire.AttributeList{Attributes: []*wire.Attribute{text("in", "side")}}}},
		}})
		x.log(&wire.Log{Level: -4, Message: "nobody wants this"})
		x.p.send(x.stream, 0, &wire.Frame{Kind: &wire.Frame_Log{Log: &wire.Log{Level: 4, Message: "of the process"}}})
		x.p.send(x.stream, x.number&^indexMask|instanceIndex, &wire.Frame{Kind: &wire.Frame_Log{Log: &wire.Log{Level: 4, Message: "of an instance"}}})
		if x.do.GetLogLevel() != 0 {
			t.Errorf("got log level %d", x.do.GetLogLevel())
		}
		x.last(nil)
	})
	if _, _, err := sc.get(sc.simple()); err != nil {
		t.Fatal(err)
	}
	if got := sc.logs.String(); !strings.Contains(got, "pipeline=api stage=sign plugin=signer key_id=k1") || !strings.Contains(got, "n=7 g.in=side") {
		t.Errorf("got %q before the call's end", got)
	}
	if err := sc.runner.Close(); err != nil { // by then everything is written
		t.Error(err)
	}
	got := sc.logs.String()
	for _, secret := range []string{"abcdefghijklmnop", "hunter2", "nobody wants"} {
		if strings.Contains(got, secret) {
			t.Errorf("%s shows in %q", secret, got)
		}
	}
	for _, want := range []string{`msg="of the process" plugin=signer`, `msg="of an instance"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %q", want, got)
		}
	}
}

func TestEnded_tells_of_every_call(t *testing.T) {
	needs := signs()
	needs.Calls = true
	ended := make(chan *wire.Ended, 8)
	sc := newScene(t, needs, answering, func(x *said) { x.last(nil) })
	sc.script.ended = func(e *wire.Ended) { ended <- e }
	if err := sc.pipeline.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	req := sc.simple()
	req.Header.Set("Authorization", "secret")
	req.Header.Set("Accept", "x")
	if _, _, err := sc.get(req); err != nil {
		t.Fatal(err)
	}
	e := <-ended
	if e.GetStatus() != 200 || e.GetRequest().GetUrl() != "https://upstream.test/a" || e.GetCall().GetSends() != 1 {
		t.Errorf("got %v", e)
	}
	if h := e.GetRequest().GetHeaders(); valueOfHeader(h, "accept") != "x" || valueOfHeader(h, "authorization") != "" {
		t.Errorf("got %v", h)
	}
	_, err := sc.pipeline.RoundTrip(&http.Request{Method: http.MethodGet})
	sc.failure(err)
	if e = <-ended; e.GetError().GetKind() != "policy" || e.GetStatus() != 0 {
		t.Errorf("got %v", e)
	}
}

func TestChanges_to_the_call(t *testing.T) {
	stopped := "max_attempts"
	needs := sees()
	needs.Request.Call = []string{"idempotency_key"}
	sc := newScene(t, needs, answering, func(x *said) {
		x.next(&wire.Next{Changes: &wire.Changes{Attempts: 1, IdempotencyKey: "key"}})
		x.ret(&wire.Return{Changes: &wire.Changes{
			Judged: &wire.Outcome{Kind: "conflict", Message: "taken"}, Stopped: &stopped,
			Events: []*wire.Event{{Name: "signed", Reason: "fresh", Text: "token=abcdefghijklmnop"}},
		}})
	})
	resp, _, err := sc.get(sc.simple())
	if err != nil {
		t.Fatal(err)
	}
	c := pipeline.CallOf(resp)
	events := c.Events()
	if c.Kind() != pipeline.KindConflict || c.Message() != "taken" || c.StopReason() != stopped || c.Attempts() != 1 || c.IdempotencyKey() != "key" {
		t.Errorf("got %s %q %q %d", c.Kind(), c.Message(), c.StopReason(), c.Attempts())
	}
	if last := events[len(events)-1]; last.Stage != "sign" || last.Name != "signed" {
		t.Errorf("got %+v", last)
	}
}

func TestChanges_attach_what_is_granted(t *testing.T) {
	needs := signs()
	needs.Credentials = []string{"*"}
	file := "credential = \"github\"\n[credentials.github]\ntype = \"bearer\"\norigins = [\"https://upstream.test\"]\ntoken = { env = \"T\" }\n"
	var sent string
	sc := newScene(t, needs, func(req *http.Request) (*http.Response, error) {
		sent = req.Header.Get("Authorization")
		return answering(req)
	}, func(x *said) {
		x.send(&wire.Frame{Kind: &wire.Frame_Next{Next: &wire.Next{Last: true, Changes: &wire.Changes{Attach: &wire.Attach{Credential: "github"}}}}})
	}, func(o *sceneOptions) { o.file = file }, withOptions(pipeline.WithSecretsFrom(func(string) (string, bool) { return "s3cr3t-token", true })))
	if _, _, err := sc.get(sc.simple()); err != nil || sent != "Bearer s3cr3t-token" {
		t.Errorf("got %q %v", sent, err)
	}
}

func TestTelemetry_logs_without_end(t *testing.T) {
	const records = 20000
	sc := newScene(t, signs(), answering, func(x *said) {
		for range records {
			x.log(&wire.Log{Level: 4, Message: "flood"})
			x.p.send(x.stream, 0, &wire.Frame{Kind: &wire.Frame_Log{Log: &wire.Log{Level: 4, Message: "flood"}}})
		}
		x.last(nil)
	})
	if _, _, err := sc.get(sc.simple()); err != nil {
		t.Fatal(err)
	}
	if err := sc.runner.Close(); err != nil {
		t.Error(err)
	}
	got := sc.logs.String()
	if n := strings.Count(got, "msg=flood"); n > records+maxSlotLogs || n < maxSlotLogs || strings.Count(got, recordsDropped) == 0 {
		t.Errorf("got %d records, and that %d times some were dropped", n, strings.Count(got, recordsDropped))
	}
}
