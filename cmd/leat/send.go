package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/credential"
)

// sendFlags are the options of `leat send`.
type sendFlags struct {
	data     string
	headers  []string
	trace    bool
	log      bool
	quiet    bool
	count    int
	parallel int
	subject  string
	lifetime time.Duration
	revoke   bool
	attach   []string
}

func (a *app) sendVerb() *cobra.Command {
	var f sendFlags
	cmd := &cobra.Command{
		Use:   "send PIPELINE [METHOD] PATH-OR-URL",
		Short: "Send a request through a pipeline and show what its stages did",
		Long: `Send a request through a pipeline. The answer's body goes to standard output; what the stages did goes to standard error.

The method is GET, or POST where -d is given. A path is taken below the pipeline's base_url.

At the end it says what each stage did:
  ✓    it ran                         ↻1   it had the request sent again, so often
  –    it had nothing to do           ↻1✗  so often, and then it gave up
  ·    the request did not get there  ✗    it ended the call in an error`,
		Example: `  leat send demo GET /posts
  leat send demo /flaky --trace
  leat send demo POST /posts -d '{"title":"hello"}' -H 'Idempotency-Key: 7f1c'
  leat send demo /posts --count 20000 --parallel 50 --demo-lifetime 300ms`,
		Args:              between(3, "PIPELINE", "PATH-OR-URL"),
		ValidArgsFunction: a.pipelineNames("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.send(cmd.Context(), f, args) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.data, "data", "d", "", "the request's body; @FILE reads it from a file, @- from standard input")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "a header, as in 'Name: value' (repeatable)")
	flags.BoolVar(&f.trace, "trace", false, "draw the call's spans")
	flags.BoolVar(&f.log, "log", false, "show what the stages log, on standard error")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "show the body only, and the error if it ends in one")
	flags.StringVar(&f.subject, "subject", "", "on whose behalf, for a credential that is per subject")
	flags.IntVar(&f.count, "count", 1, "send this many requests")
	flags.IntVar(&f.parallel, "parallel", 1, "send this many at a time")
	flags.DurationVar(&f.lifetime, "demo-lifetime", time.Minute, "how long a token of the demo server lives")
	a.attachFlag(cmd, &f.attach)
	flags.BoolVar(&f.revoke, "demo-revoke", false, "the demo server revokes the first token that it gives")
	return cmd
}

// outgoing is the request as the command line gave it.
type outgoing struct {
	pipeline, method, ref string
	header                http.Header
	body                  []byte
	hasBody               bool
}

func (a *app) send(ctx context.Context, f sendFlags, args []string) error {
	out, err := a.outgoing(f, args)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if f.count < 1 || f.parallel < 1 {
		return &exitError{exitUsage, errors.New("--count and --parallel must be at least 1")}
	}
	a.quiet = f.quiet || a.json()
	if err := a.attach(ctx, f.attach, out.pipeline); err != nil {
		return err
	}
	spans, err := startTelemetry(ctx, f.trace || a.json())
	if err != nil {
		return err
	}
	defer func() {
		if err := spans.stop(); err != nil {
			a.complain(fmt.Errorf("export spans: %w", err))
		}
	}()
	if f.trace && f.count > 1 && !f.quiet {
		a.complain(errors.New("--trace draws the spans of one request: with --count none are drawn"))
	}
	view := a.newTimeline(!f.quiet && !a.json() && f.count == 1)
	opts := []pipeline.Option{pipeline.WithTracerProvider(spans.provider), pipeline.WithObserver(view.event)}
	if f.log {
		opts = append(opts, pipeline.WithLogger(slog.New(slog.NewTextHandler(a.std.err, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	}
	runner, server, err := a.open(ctx, opts...)
	if err != nil {
		return err
	}
	server.options, server.revoke = demo.Options{TokenLifetime: f.lifetime}, f.revoke
	defer server.close()
	defer func() { _ = runner.Close() }()
	p, err := runner.Pipeline(out.pipeline)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if err := startPlugins(ctx, p); err != nil {
		return err
	}
	if f.subject != "" {
		ctx = pipeline.With(ctx, pipeline.Subject(f.subject))
	}
	if f.count > 1 {
		return a.sendMany(ctx, p, out, f, server)
	}
	return a.sendOne(ctx, p, out, f, view, spans)
}

// outgoing reads the arguments.
func (a *app) outgoing(f sendFlags, args []string) (*outgoing, error) {
	out := &outgoing{pipeline: args[0], method: http.MethodGet, ref: args[len(args)-1], header: http.Header{}}
	if f.data != "" {
		out.method, out.hasBody = http.MethodPost, true
	}
	if len(args) == 3 {
		out.method = strings.ToUpper(args[1])
		if strings.ContainsAny(out.method, "/:. ") {
			return nil, fmt.Errorf("%q is no method: the order is PIPELINE METHOD PATH; quote a value that has spaces", args[1])
		}
	}
	for _, h := range f.headers {
		name, value, err := headerLine(h)
		if err != nil {
			return nil, err
		}
		out.header.Add(name, value)
	}
	var err error
	switch {
	case f.data == "@-":
		out.body, err = io.ReadAll(a.std.in)
	case strings.HasPrefix(f.data, "@"):
		out.body, err = os.ReadFile(f.data[1:])
	default:
		out.body = []byte(f.data)
	}
	if err != nil {
		return nil, fmt.Errorf("-d: %w", err)
	}
	if out.hasBody && out.header.Get("Content-Type") == "" {
		out.header.Set("Content-Type", "application/json")
	}
	return out, nil
}

// request makes the request anew.
func (o *outgoing) request(ctx context.Context, p *pipeline.Pipeline) (*http.Request, error) {
	var body io.Reader
	if o.hasBody {
		body = bytes.NewReader(o.body)
	}
	req, err := p.NewRequest(ctx, o.method, o.ref, body)
	if err != nil {
		return nil, &exitError{exitUsage, err}
	}
	req.Header = o.header.Clone()
	if host := req.Header.Get("Host"); host != "" { // net/http takes it from the field only
		req.Host = host
		req.Header.Del("Host")
	}
	return req, nil
}

// sendOne sends one request, with its timeline, and prints the body.
func (a *app) sendOne(ctx context.Context, p *pipeline.Pipeline, out *outgoing, f sendFlags, view *timeline, spans *telemetry) error {
	req, err := out.request(ctx, p)
	if err != nil {
		return err
	}
	result := exchange(p, req)
	if a.json() {
		spans.flush()
		if err := a.writeJSON(result.report(spans.spans())); err != nil {
			return err
		}
		return result.exit(ctx)
	}
	if len(result.body) > 0 {
		_, _ = a.std.out.Write(result.body) // run tells if it could not be written
		if a.sharesScreen() && result.body[len(result.body)-1] != '\n' {
			fmt.Fprintln(a.std.out)
		}
	}
	if f.quiet {
		view.failure(result)
	} else {
		view.summary(result, p)
	}
	if f.trace {
		spans.flush()
		drawTrace(a.std.err, spans.spans())
	}
	return result.exit(ctx)
}

// result is what came of one request.
type result struct {
	resp *http.Response
	body []byte
	err  *pipeline.Error // of the call, or of reading its body
	call *pipeline.Call
	took time.Duration
}

// exchange sends req and reads the whole answer.
func exchange(p *pipeline.Pipeline, req *http.Request) *result {
	began := time.Now()
	r := &result{}
	resp, err := p.Client().Do(req)
	if err == nil {
		r.resp, r.call = resp, pipeline.CallOf(resp)
		r.body, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	r.took = time.Since(began)
	if err != nil {
		r.fail(err)
	}
	return r
}

func (r *result) fail(err error) {
	e, ok := errors.AsType[*pipeline.Error](err)
	if !ok {
		e = &pipeline.Error{Kind: pipeline.KindOf(err), Message: err.Error(), Err: err}
	}
	r.err = e
	if r.call == nil {
		r.call = e.Call()
	}
	if len(r.body) == 0 {
		r.body = e.Body
	}
}

// failed returns the kind of what went wrong, "" for success.
func (r *result) failed() pipeline.Kind {
	switch {
	case r.err != nil:
		return r.err.Kind
	case r.resp.StatusCode >= 400:
		if kind := r.call.Kind(); kind != "" {
			return kind
		}
		return pipeline.KindOfStatus(r.resp.StatusCode)
	}
	return ""
}

// storeFailed reports whether the call ended because a store of tokens can't be used.
func (r *result) storeFailed() bool { return r.err != nil && errors.Is(r.err, credential.ErrStore) }

// exit returns what ends the command: nil only for success.
func (r *result) exit(ctx context.Context) error {
	switch {
	case r.failed() == "":
		return nil
	case ctx.Err() != nil:
		return &exitError{code: exitInterrupted}
	case r.storeFailed():
		return &exitError{code: exitStore}
	}
	return &exitError{code: exitFailed}
}
