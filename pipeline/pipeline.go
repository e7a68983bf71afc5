package pipeline

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/leatdev/leat/pipeline/credential"
)

// Pipeline is a live handle to one of a runner's pipelines: an [http.RoundTripper] that any number of goroutines may use for as
// long as the [Runner] is open. It needs absolute URLs; [Pipeline.NewRequest] makes them.
type Pipeline struct {
	chain atomic.Pointer[chain]
	door  door
}

func newPipeline(ch *chain) *Pipeline {
	p := &Pipeline{}
	p.chain.Store(ch)
	p.door.pipeline = p
	return p
}

// Name returns the pipeline's name in the file.
func (p *Pipeline) Name() string { return p.chain.Load().name }

// StageInfo names one stage of a pipeline.
type StageInfo struct{ Name, Type string }

// Stages lists the pipeline's stages, outermost first.
func (p *Pipeline) Stages() []StageInfo { return slices.Clone(p.chain.Load().stages) }

// BaseURL returns a copy of the URL that relative references are resolved against, or nil if the file gives none.
func (p *Pipeline) BaseURL() *url.URL {
	if base := p.chain.Load().base; base != nil {
		u := *base
		return &u
	}
	return nil
}

// RoundTrip sends req through the stages. It keeps net/http's contract: req is not changed, its body is closed, and it returns a
// response or an error, never both. Responses of every status are returned as they are; [CallOf] tells the kind that the
// pipeline gave them. Every error is or wraps a *[Error].
func (p *Pipeline) RoundTrip(req *http.Request) (*http.Response, error) { return p.door.RoundTrip(req) }

// ClientOption changes what [Pipeline.Client] returns.
type ClientOption func(*clientOptions)

type clientOptions struct{ statusErrors bool }

// StatusErrors makes the client return an *[Error], which holds status, headers and the beginning of the body, in place of
// every response of a 4xx or 5xx kind.
func StatusErrors() ClientOption { return func(o *clientOptions) { o.statusErrors = true } }

// Client returns a new client over the pipeline. It has no cookie jar and no Timeout: the pipeline's deadlines hold, and net/http's
// would turn errors into text. It follows redirects as net/http does; each hop goes through the pipeline again.
func (p *Pipeline) Client(opts ...ClientOption) *http.Client {
	var o clientOptions
	for _, opt := range opts {
		opt(&o)
	}
	if !o.statusErrors {
		return &http.Client{Transport: p}
	}
	return &http.Client{Transport: &door{pipeline: p, statusErrors: true}}
}

// NewRequest makes a request whose URL is ref resolved against base_url: a path is taken below it, "/posts" and "posts" alike; an
// absolute URL stands for itself. body may be nil.
func (p *Pipeline) NewRequest(ctx context.Context, method, ref string, body io.Reader) (*http.Request, error) {
	u, err := p.resolve(ref)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		cause := &transportError{err, p.chain.Load().redactor} // a URL that can't be parsed is printed whole
		return nil, p.refuse("make request: %v", cause, cause)
	}
	return req, nil
}

// refuse makes the error of a reference that no request can be made of.
func (p *Pipeline) refuse(format string, what any, cause error) *Error {
	return &Error{Kind: KindPolicy, Class: ClassTerminal, Pipeline: p.Name(), Message: fmt.Sprintf(format, what), Err: cause}
}

func (p *Pipeline) resolve(ref string) (*url.URL, error) {
	ch := p.chain.Load()
	shown := ch.redactor.Text(ref)
	expanded := credential.ExpandSymbol(ref)
	u, err := url.Parse(expanded)
	if err != nil {
		return nil, p.refuse("%q is no URL reference", shown, nil)
	}
	if u.IsAbs() && u.Host != "" {
		return u, nil
	}
	base := ch.base
	switch {
	case u.Scheme != "" || u.Host != "":
		return nil, p.refuse("%q is neither a path nor an http(s) URL", shown, nil)
	case base == nil:
		return nil, p.refuse("%q is relative and the pipeline has no base_url", shown, nil)
	}
	out := *base
	if u.Path != "" {
		joined, err := url.Parse(strings.TrimSuffix(base.EscapedPath(), "/") + "/" + strings.TrimPrefix(u.EscapedPath(), "/"))
		if err != nil {
			return nil, p.refuse("%q is no URL reference", shown, nil)
		}
		out.Path, out.RawPath = joined.Path, joined.RawPath
	}
	if u.RawQuery != "" {
		out.RawQuery = u.RawQuery
	}
	out.Fragment = ""
	return &out, nil
}
