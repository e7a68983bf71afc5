package host

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// edits are the changes of a plugin that were judged: only what is granted is among them. They are applied as a whole, so that a request
// whose stage fails is as it came.
type edits struct {
	list    []*wire.HeaderEdit
	names   [8]string // canonical, of list
	more    []string  // those beyond
	method  string
	url     *url.URL
	host    *string
	status  int
	hasBody bool
	body    *content

	hasLength bool // Content-Length is among them
	length    [][]byte
}

func (e *edits) name(i int) string {
	if i < len(e.names) {
		return e.names[i]
	}
	return e.more[i-len(e.names)]
}

func (e *edits) set(i int, name string) {
	if i < len(e.names) {
		e.names[i] = name
		return
	}
	e.more = append(e.more, name)
}

// requestEdits judges the changes to a request.
func (x *exchange) requestEdits(w *wire.Edits) (e edits, err error) {
	if w == nil {
		return e, nil
	}
	g := x.inst.grants
	if w.Status != nil {
		return e, x.invalid("changed the status of a request")
	}
	if x.nexts == 0 && g.Retry && g.edits.All() {
		x.withheld = x.hidden()
	}
	if err := x.headerEdits(&e, w.GetHeaders(), false); err != nil {
		return e, err
	}
	if w.Method != nil {
		switch {
		case !g.method:
			return e, x.outOfGrant("the method", `request.edit ":method"`)
		case !isMethod(w.GetMethod()):
			return e, x.invalid("sent a method that is none")
		}
		e.method = w.GetMethod()
	}
	if w.Url != nil {
		if e.url, err = x.urlEdit(w.GetUrl()); err != nil {
			return e, err
		}
	}
	if w.Host != nil {
		switch {
		case !g.url:
			return e, x.outOfGrant("the host", `request.edit ":url"`)
		case !httpguts.ValidHostHeader(w.GetHost()):
			return e, x.invalid("sent a host that is none")
		}
		e.host = w.Host
	}
	if w.Body != nil {
		if !g.body {
			return e, x.outOfGrant("the body", `request.edit ":body"`)
		}
		e.hasBody = true
		if e.body, err = x.content(w.GetBody(), g.Request.Limit()); err == nil && e.body.err != nil {
			err = x.invalid("sent a request's body that broke off")
		}
	}
	return e, err
}

// hidden returns the headers of the request that the plugin doesn't see.
func (x *exchange) hidden() (names []string) {
	for name := range x.req.Header {
		if !x.inst.grants.seesRequest(name) {
			names = append(names, name)
		}
	}
	return names
}

// withholds reports whether the request, as it came, has a header that the plugin doesn't see.
func (x *exchange) withholds(name string) bool {
	if x.nexts > 0 { // the first may have changed it
		return slices.Contains(x.withheld, name)
	}
	_, ok := x.req.Header[name]
	return ok && !x.inst.grants.seesRequest(name)
}

// urlEdit judges a URL.
func (x *exchange) urlEdit(text string) (*url.URL, error) {
	if !x.inst.grants.url {
		return nil, x.outOfGrant("the URL", `request.edit ":url"`)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, x.invalid("sent a URL that can't be read")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, x.invalid("sent a URL that is not absolute, or is neither http nor https")
	case u.User != nil:
		return nil, x.invalid("sent a URL with a user's name or password in it")
	}
	if old := x.req.URL; old.User != nil && sameOrigin(old, u) {
		u.User = old.User
	}
	return u, nil
}

// headerEdits judges changes of headers.
func (x *exchange) headerEdits(e *edits, list []*wire.HeaderEdit, response bool) error {
	for i, h := range list {
		name := x.inst.session.canonical.Get(h.GetName())
		if name == "Content-Length" && response { // judged with the body
			e.length, e.hasLength = h.GetValues(), true
			e.set(i, "")
			continue
		}
		if err := x.header(name, h.GetValues()...); err != nil {
			return err
		}
		g, side := x.inst.grants, "request"
		ok := !response && g.editsRequest(name, x.withholds)
		if response {
			ok, side = g.editsResponse(name), "response"
		}
		if !ok {
			name := strings.ToLower(name)
			return x.outOfGrant("header "+name, side+`.edit "`+name+`"`)
		}
		e.set(i, name)
	}
	e.list = list
	return nil
}

// header judges what nobody may write, whatever is granted. name is canonical.
func (x *exchange) header(name string, values ...[]byte) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return x.invalid("sent a header whose name is none")
	}
	if lower := x.inst.session.lower.Get(name); pipeline.IsFraming(lower) {
		return x.invalid("changed header %s, which belongs to the connection", lower)
	}
	for _, v := range values {
		if !validValue(v) {
			return x.invalid("sent a value of header %s that is none", strings.ToLower(name))
		}
	}
	return nil
}

// outOfGrant is the error of a change for which need is asked and granted, as the file writes it.
func (x *exchange) outOfGrant(what, need string) *pipeline.Error {
	return x.invalid("changed %s, which its grants do not allow (%s)", what, need)
}

// validValue reports whether v can be a header's value (RFC 9110 §5.5).
func validValue(v []byte) bool {
	for _, b := range v {
		if b < ' ' && b != '\t' || b == 0x7f {
			return false
		}
	}
	return true
}

func isMethod(m string) bool { return httpguts.ValidHeaderFieldName(m) } // both are tokens

func isStatus(n uint32) bool { return n >= 200 && n <= 599 }

// apply makes the changes to a request.
func (e *edits) apply(r *http.Request) {
	e.headers(r.Header)
	if e.method != "" {
		r.Method = e.method
	}
	if e.url != nil {
		r.URL = e.url
	}
	if e.host != nil {
		r.Host = *e.host
	}
	if !e.hasBody {
		return
	}
	data := e.body.data
	r.ContentLength, r.TransferEncoding = int64(len(data)), nil
	if len(data) == 0 {
		r.Body, r.GetBody = http.NoBody, func() (io.ReadCloser, error) { return http.NoBody, nil }
		return
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	r.Body, _ = r.GetBody()
}

func (e *edits) headers(h http.Header) {
	n := 0
	for _, one := range e.list {
		n += len(one.GetValues())
	}
	texts := make([]string, 0, n) // of all of them
	for i, one := range e.list {
		name := e.name(i)
		if name == "" {
			continue
		}
		if len(one.GetValues()) == 0 {
			delete(h, name)
			if name == "User-Agent" {
				h[name] = nil // where there is none, net/http sends its own
			}
			continue
		}
		from := len(texts)
		for _, v := range one.GetValues() {
			texts = append(texts, string(v))
		}
		h[name] = texts[from:len(texts):len(texts)]
	}
}

func statusLine(status int) string { return fmt.Sprintf("%d %s", status, http.StatusText(status)) }
