package scenario

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
)

// maxRecorded is how much of a body a recording holds; of a larger one only the size is kept.
const maxRecorded = 64 << 10

// Recorder notes what is sent and answered while a pipeline works, to make a test of it. Its methods may be called by many goroutines.
type Recorder struct {
	mu    sync.Mutex
	sends []*recorded
}

// recorded is one physical request and what became of it.
type recorded struct {
	method string
	url    *url.URL
	status int
	header http.Header
	body   bytes.Buffer
	size   int
	err    error
	broken error // the body's
	took   time.Duration
}

// Wrap is for pipeline.WithWrappedTransports: it lets everything pass and notes it.
func (r *Recorder) Wrap(next http.RoundTripper) http.RoundTripper { return &tape{r, next} }

type tape struct {
	recorder *Recorder
	next     http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *tape) RoundTrip(req *http.Request) (*http.Response, error) {
	u := *req.URL
	entry := &recorded{method: req.Method, url: &u}
	t.recorder.mu.Lock()
	t.recorder.sends = append(t.recorder.sends, entry)
	t.recorder.mu.Unlock()
	start := time.Now()
	resp, err := t.next.RoundTrip(req)
	t.recorder.mu.Lock()
	defer t.recorder.mu.Unlock()
	entry.took, entry.err = time.Since(start), err
	if err == nil {
		entry.status, entry.header = resp.StatusCode, resp.Header.Clone()
		if resp.StatusCode != http.StatusSwitchingProtocols {
			resp.Body = &taped{resp.Body, t.recorder, entry}
		}
	}
	return resp, err
}

// taped notes a body while it is read.
type taped struct {
	io.ReadCloser

	recorder *Recorder
	entry    *recorded
}

// Read implements io.Reader.
func (b *taped) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.recorder.mu.Lock()
	defer b.recorder.mu.Unlock()
	b.entry.size += n
	if b.entry.body.Len()+n <= maxRecorded {
		b.entry.body.Write(p[:n])
	}
	if err != nil && err != io.EOF {
		b.entry.broken = err
	}
	return n, err
}

// Exchange is a call as the recorder's user made it, and what it came to.
type Exchange struct {
	Pipeline string
	Method   string
	Ref      string // as it was given
	Header   http.Header
	Body     []byte
	File     string   // the pipelines file, as the test file will name it
	Set      []string // what was laid over it

	Call   *pipeline.Call
	Status int             // of the answer, 0 for an error
	Err    *pipeline.Error // nil for an answer
}

// Test writes what was recorded as a test file. Everything in it went through the redactor: secret headers are left out, secret fields
// of JSON and forms are masked, and of bodies of other types only the size is kept.
func (r *Recorder) Test(x Exchange, plan *pipeline.Plan, redactor *redact.Redactor) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	base, err := baseOrigin(plan, x.Pipeline)
	if err != nil {
		return nil, fmt.Errorf("pipeline %s: %w", x.Pipeline, err)
	}
	w := &testWriter{redactor: redactor}
	w.line("# Recorded from %s %s. Secrets were masked; read it once before you share it.", x.Method, w.ref(x.Ref))
	w.line("version = 1\nfile    = %s", quoteTOML(x.File))
	w.line("\n[[test]]\nname     = %s\npipeline = %s", quoteTOML(x.Method+" "+w.ref(x.Ref)), quoteTOML(x.Pipeline))
	if len(x.Set) > 0 {
		w.line("set      = [%s]", quoteAll(x.Set))
	}
	var origins []string
	answers, connects, tokens := map[string][]string{}, map[string][]string{}, map[string][]string{}
	asked := map[string]int{}
	for _, s := range r.sends {
		if issuer := tokenRequest(plan, s); issuer != "" {
			asked[issuer]++
			tokens[issuer] = append(tokens[issuer], w.tokenAnswer(s))
			continue
		}
		o := originOf(s.url)
		if !slices.Contains(origins, o) {
			origins = append(origins, o)
		}
		word := connectWord(s.err)
		if word == "ok" {
			answers[o] = append(answers[o], w.answer(s))
		}
		connects[o] = append(connects[o], word)
	}
	w.answers("", len("pipeline"), answers[base])
	w.call(x)
	for _, o := range origins {
		refused := slices.ContainsFunc(connects[o], func(word string) bool { return word != "ok" })
		if o == base && !refused {
			continue
		}
		w.line("\n  [[test.upstream]]\n  origin  = %s", quoteTOML(shortOrigin(o)))
		if refused {
			w.line("  connect = [%s]", quoteAll(connects[o]))
		}
		if o != base {
			w.answers("  ", len("answers"), answers[o])
		}
	}
	for _, name := range keys(tokens) {
		if slices.ContainsFunc(tokens[name], func(a string) bool { return a != "{}" }) {
			w.line("\n  [test.tokens.%s]\n  answers = [%s]", name, strings.Join(tokens[name], ", "))
		}
	}
	w.line("\n  [test.expect]\n  sends  = %d", len(answers[base]))
	if len(asked) > 0 {
		var parts []string
		for _, name := range keys(asked) {
			parts = append(parts, fmt.Sprintf("%s = %d", name, asked[name]))
		}
		w.line("  tokens = { %s }", strings.Join(parts, ", "))
	}
	return w.Bytes(), nil
}

// tokenRequest names the credential that a request was made for, "" for an ordinary one.
func tokenRequest(plan *pipeline.Plan, s *recorded) string {
	for _, e := range endpoints(plan) {
		if originOf(s.url) == e.origin && (s.url.Path == e.login || e.refreshes && s.url.Path == e.refresh) {
			return e.credential
		}
	}
	return ""
}

// connectWord is what a test writes for a connection that could not be made.
func connectWord(err error) string {
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no_such_host"
	case errors.As(err, &dns):
		return "dns_down"
	case errors.As(err, &op) && op.Op == "dial" && op.Timeout():
		return "hang"
	case errors.As(err, &op) && op.Op == "dial":
		return "refused"
	}
	return "ok"
}

type testWriter struct {
	bytes.Buffer

	redactor *redact.Redactor
}

func (w *testWriter) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func (w *testWriter) answers(margin string, width int, list []string) {
	if len(list) == 0 {
		return
	}
	w.line("%sanswers%s = [", margin, strings.Repeat(" ", width-len("answers")))
	for _, a := range list {
		w.line("%s  %s,", margin, a)
	}
	w.line("%s]", margin)
}

// answer writes one answer as an inline table.
func (w *testWriter) answer(s *recorded) string {
	parts := []string{}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if s.took >= time.Second {
		add("delay = %q", s.took.Round(100*time.Millisecond))
	}
	if s.err != nil {
		return fmt.Sprintf("{ fault = %q }", faultOf(s.err))
	}
	add("status = %d", s.status)
	if h := w.header(s.header, func(string) string { return "" }); h != "" {
		add("header = { %s }", h)
	}
	text, cut := w.redactor.Body(s.header.Get("Content-Type"), s.body.Bytes(), maxRecorded)
	size := s.size
	switch shown := !cut || s.broken != nil && strings.HasPrefix(text, "{"); {
	case s.size > 0 && s.size <= maxRecorded && shown:
		size = len(text)
		if s.broken != nil {
			text += "…" // what never arrived
		}
		add("body = %s", quoteTOML(strings.TrimSuffix(text, "\n")))
	case s.size > 0 || s.broken != nil:
		add("body_size = %q", fmt.Sprintf("%dB", s.size+1))
	}
	if s.broken != nil {
		add("fault = %q, after = %d", faultOf(s.broken), size)
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// faultOf is what a test writes for an exchange that ended in err.
func faultOf(err error) string {
	if nerr, ok := errors.AsType[net.Error](err); ok && nerr.Timeout() || errors.Is(err, context.Canceled) {
		return "hang"
	}
	return "reset"
}

// tokenAnswer writes what a token endpoint said: its own answer unless it failed.
func (w *testWriter) tokenAnswer(s *recorded) string {
	switch {
	case s.err != nil:
		return `{ fault = "reset" }`
	case s.status >= 300:
		return fmt.Sprintf("{ status = %d }", s.status)
	}
	return "{}"
}

// volatile are headers that the test's own server writes, or that say nothing.
var volatile = []string{"Date", "Content-Length", "Connection", "Transfer-Encoding", "Keep-Alive", "Trailer", "Server", "Alt-Svc", "Content-Encoding"}

// header writes those headers whose values may be shown. Others get the value that hidden gives them, and are left out where that is "".
func (w *testWriter) header(h http.Header, hidden func(name string) string) string {
	var parts []string
	for name, value := range w.redactor.Headers(h, false) {
		if strings.Contains(value, redact.Mask) {
			value = hidden(name)
		}
		if value != "" && !slices.Contains(volatile, name) {
			parts = append(parts, fmt.Sprintf("%s = %s", name, quoteTOML(value)))
		}
	}
	return strings.Join(parts, ", ")
}

// call writes the request and what it came to.
func (w *testWriter) call(x Exchange) {
	w.line("\n  [[test.call]]\n  request = %s", quoteTOML(x.Method+" "+w.ref(x.Ref)))
	if h := w.header(x.Header, func(name string) string { return "fake-" + name }); h != "" {
		w.line("  header  = { %s }", h)
	}
	if text, cut := w.redactor.Body(x.Header.Get("Content-Type"), x.Body, maxRecorded); cut {
		w.line("  body_size = %q", fmt.Sprintf("%dB", len(x.Body)))
	} else if text != "" {
		w.line("  body    = %s", quoteTOML(text))
	}
	var parts []string
	if x.Err != nil {
		parts = append(parts, fmt.Sprintf("kind = %q", string(x.Err.Kind)))
		if x.Err.Reason != "" {
			parts = append(parts, fmt.Sprintf("reason = %q", x.Err.Reason))
		}
	} else {
		parts = append(parts, fmt.Sprintf("status = %d, kind = %q", x.Status, string(x.Call.Kind())))
		if reason := x.Call.StopReason(); reason != "" {
			parts = append(parts, fmt.Sprintf("reason = %q", reason))
		}
	}
	parts = append(parts, fmt.Sprintf("sends = %d", x.Call.Sends()))
	w.line("  expect  = { %s }", strings.Join(parts, ", "))
}

// ref writes where a request goes, its secret parameters masked.
func (w *testWriter) ref(ref string) string {
	u, err := url.Parse(ref)
	if err != nil {
		return w.redactor.Text(ref)
	}
	return w.redactor.URL(u, true)
}

// quoteTOML writes a string: literally where that can be read, else with escapes.
func quoteTOML(s string) string {
	if strings.Contains(s, `"`) && !strings.ContainsFunc(s, func(r rune) bool { return r == '\'' || unicode.IsControl(r) }) {
		return "'" + s + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case unicode.IsControl(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func quoteAll(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quoteTOML(s)
	}
	return strings.Join(quoted, ", ")
}
