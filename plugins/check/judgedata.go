package check

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/internal/wire"
)

func (x *exchange) limit() int64 {
	if r := x.inst.own.Response; r != nil {
		return r.Limit()
	}
	return x.inst.own.Request.Limit()
}

func (x *exchange) judgeEdits(e *wire.Edits, response bool) {
	if e == nil {
		return
	}
	list, side := x.inst.own.Request.Edit, "request" // the host refuses what is not granted of them, and says so
	if response {
		side, list = "response", nil
		if r := x.inst.own.Response; r != nil {
			list = r.Edit
		}
	}
	set := pipeline.NewNameSet(slices.DeleteFunc(slices.Clone(list), func(n string) bool { return strings.HasPrefix(n, ":") }))
	outside := func(what, need string) {
		x.fault("wire.grants", "it changed %s, and its needs do not name %s.edit %q", what, side, need)
		x.s.c.advise("wire.grants", "name it in the needs of the stage: "+side+".edit \""+need+"\"; or leave it as it is")
	}
	for _, h := range e.GetHeaders() {
		x.judgeHeader(h.GetName(), h.GetValues()...)
		name := http.CanonicalHeaderKey(h.GetName())
		length := response && name == "Content-Length" && e.GetBody() != nil
		all := set.All() && (response || !hides(name) || pipeline.IsFree(name) && !slices.Contains(x.hidden, name))
		if !length && !all && !set.Named(name) {
			outside("header "+strings.ToLower(name), strings.ToLower(name))
		}
	}
	may := func(part string) bool { return slices.Contains(list, part) }
	if e.Method != nil && !may(":method") {
		outside("the method", ":method")
	}
	if (e.Url != nil || e.Host != nil) && !may(":url") {
		outside("the URL or the host", ":url")
	}
	if e.Status != nil && !may(":status") {
		outside("the status", ":status")
	}
	if e.Body != nil && !may(":body") {
		outside("the body", ":body")
	}
	if e.Url != nil {
		if u, err := url.Parse(e.GetUrl()); err != nil || u.Host == "" {
			x.fault("wire.bytes", "it changed the URL to what is none")
		}
	}
	limit := x.inst.own.Request.Limit()
	if response {
		limit = x.limit()
	}
	x.judgeBody(e.GetBody(), limit)
}

// hides reports whether a header holds a credential by its name: it is not among those that "*" shows.
func hides(name string) bool { return redact.New(redact.Rules{}).Hides(name) }

func (x *exchange) judgeHeader(name string, values ...[]byte) {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		x.fault("wire.bytes", "the name of a header is none: %q", name)
	case name != strings.ToLower(name):
		x.fault("wire.bytes", "the name of header %s is not in lower case", name)
	case pipeline.IsFraming(name) && name != "content-length":
		x.fault("wire.grants", "it changed header %s, which belongs to the connection", name)
		x.s.c.advise("wire.grants", "leave headers alone that belong to the connection: Host, Content-Length, Connection, Transfer-Encoding and their like")
	}
	for _, v := range values {
		if slices.ContainsFunc(v, func(b byte) bool { return b < ' ' && b != '\t' || b == 0x7f }) {
			x.fault("wire.bytes", "a value of header %s has a control character in it", name)
		}
	}
}

func (x *exchange) judgeBody(b *wire.Body, limit int64) {
	if b == nil {
		return
	}
	size := int64(len(b.GetData()))
	if size > wire.MaxInline {
		x.fault("wire.inline", "a body of %d bytes travelled within its frame", size)
	}
	if b.GetApart() {
		size = int64(b.GetLength()) //nolint:gosec // a length
		if len(b.GetData()) > 0 {
			x.fault("wire.inline", "a body that travels apart has bytes in its frame, too")
		}
	}
	if size > limit {
		x.fault("wire.limits", "it sent a body of %d bytes, and its needs have a body_limit of %d", size, limit)
	}
}

func (x *exchange) judgeChanges(w *wire.Changes) {
	if w == nil {
		return
	}
	c, needs := x.s.c, x.inst.own
	x.kept("wire.changes")
	attaches := func(name string) bool {
		return slices.Contains(needs.Credentials, name) || slices.Contains(needs.Credentials, "*")
	}
	if j := w.GetJudged(); j != nil && (j.GetKind() != "" && !slices.Contains(pipeline.Kinds(), pipeline.Kind(j.GetKind())) || !isClass(j.GetClass())) {
		x.fault("wire.changes", "an outcome was judged with kind %q and class %q, which there are not", j.GetKind(), j.GetClass())
	}
	if w.GetAttempts() > 64 || len(w.GetEvents()) > 256 {
		x.fault("wire.changes", "one frame tells of %d attempts and %d events, more than since the last frame", w.GetAttempts(), len(w.GetEvents()))
	}
	refused := ""
	switch {
	case w.GetAttach() != nil && !attaches(w.GetAttach().GetCredential()):
		refused = w.GetAttach().GetCredential()
	case w.GetRejected() != "" && !attaches(w.GetRejected()):
		refused = w.GetRejected()
	}
	if refused != "" {
		x.fault("wire.grants", "it named the credential %q, which its needs do not have", refused)
		c.advise("wire.grants", "name the credential in the needs of the stage: credentials = [\""+refused+"\"]")
	}
	if (w.GetIdempotencyKey() != "" || w.GetIdempotent()) && !slices.Contains(needs.Request.Call, "idempotency_key") {
		x.fault("wire.grants", "it said that the call can be sent again, and its needs have no request.call \"idempotency_key\"")
	}
}
