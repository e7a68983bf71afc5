package host

import (
	"net/http"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// grants is what an instance sees and may do: what it asks for, as far as that is granted. It is not changed once it was made.
type grants struct {
	pipeline.Needs

	redactor *redact.Redactor
	shows    wire.Names       // a header of the request as it travels, "" for one that does not; by canonical name
	answers  wire.Names       // likewise of the response
	sees     pipeline.NameSet // headers of the request
	edits    pipeline.NameSet
	subject  bool // it knows the call's

	idempotency bool // it knows the call's key, and may make one

	respSees  pipeline.NameSet
	respEdits pipeline.NameSet

	method, url, body, status, respBody bool // it may edit them
	after                               bool // it asks for nothing of the request: it is asked once there is a response
}

func newGrants(n pipeline.Needs, r *redact.Redactor) *grants {
	g := &grants{Needs: n, redactor: r, sees: pipeline.NewNameSet(n.Request.Headers)}
	g.shows.Of = func(name string) string { return lowerIf(name, g.seesRequest(name)) }
	g.answers.Of = func(name string) string { return lowerIf(name, g.seesResponse(name)) }
	var parts map[string]bool
	g.edits, parts = editsOf(n.Request.Edit)
	g.method, g.url, g.body = parts[":method"], parts[":url"], parts[":body"]
	for _, word := range n.Request.Call {
		g.subject = g.subject || word == "subject"
		g.idempotency = g.idempotency || word == "idempotency_key"
	}
	if n.Response == nil {
		return g
	}
	g.respSees = pipeline.NewNameSet(n.Response.Headers)
	g.respEdits, parts = editsOf(n.Response.Edit)
	g.status, g.respBody = parts[":status"], parts[":body"]
	g.after = len(n.Request.Headers) == 0 && len(n.Request.Edit) == 0 && !n.Request.Query && !mode(n.Request.Body) && !n.Answer && !n.Retry &&
		len(n.Credentials) == 0
	return g
}

func lowerIf(name string, ok bool) string {
	if !ok {
		return ""
	}
	return strings.ToLower(name)
}

func mode(m pipeline.BodyMode) bool { return m == pipeline.BodyDigest || m == pipeline.BodyFull }

// editsOf parts the names of headers from what is none.
func editsOf(list []string) (headers pipeline.NameSet, parts map[string]bool) {
	parts = map[string]bool{}
	var names []string
	for _, name := range list {
		if name != "" && name[0] == ':' {
			parts[name] = true
			continue
		}
		names = append(names, name)
	}
	return pipeline.NewNameSet(names), parts
}

// seesRequest reports whether a header of the request travels; name is canonical.
func (g *grants) seesRequest(name string) bool {
	return g.sees.Named(name) || g.sees.All() && !g.redactor.Hides(name)
}

// seesResponse is seesRequest for the response.
func (g *grants) seesResponse(name string) bool {
	return g.respSees.Named(name) || g.respSees.All() && !g.redactor.Hides(name)
}

// editsRequest reports whether a header of the request may be changed; name is canonical. withheld tells whether the request as it came has
// it and the stage does not see it: by "*" a stage may add what looks like a credential, such as a signature, but not replace that.
func (g *grants) editsRequest(name string, withheld func(string) bool) bool {
	switch {
	case g.edits.Named(name):
		return true
	case !g.edits.All():
		return false
	}
	return !g.redactor.Hides(name) || pipeline.IsFree(name) && !withheld(name)
}

// editsResponse is editsRequest for the response, where "*" is every header.
func (g *grants) editsResponse(name string) bool { return g.respEdits.Named(name) || g.respEdits.All() }

// attaches reports whether a credential may be attached by name.
func (g *grants) attaches(name string) bool {
	for _, one := range g.Credentials {
		if one == name || one == "*" {
			return true
		}
	}
	return false
}

// putHeaders appends those headers of h that travel. Framing headers of a response, such as its length, are no secret: they are seen like others.
func putHeaders(list []*wire.Header, h http.Header, travels *wire.Names) []*wire.Header {
	for name, values := range h {
		lower := travels.Get(name)
		if lower == "" {
			continue
		}
		for _, v := range values {
			list = putHeader(list, lower, v)
		}
	}
	return list
}

// putHeader appends a header, reusing what list held before.
func putHeader(list []*wire.Header, name, value string) []*wire.Header {
	list = wire.OneMore(list)
	one := list[len(list)-1]
	one.Name, one.Value = name, wire.Bytes(value)
	return list
}
