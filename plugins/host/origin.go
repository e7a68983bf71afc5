package host

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/leatdev/leat/pipeline"
)

// shed takes the caller's own credentials off a request that the plugin sends to another origin, but for those that it is granted to see. It
// would get them there, all the same.
func (x *exchange) shed(r *http.Request, to *url.URL) {
	if to == nil || sameOrigin(r.URL, to) {
		return
	}
	g := x.inst.grants
	for name := range r.Header {
		if g.redactor.Hides(name) && !g.sees.Named(name) {
			delete(r.Header, name)
			x.call.Note(pipeline.Event{
				Stage: x.st.opts.settings.Stage, Name: pipeline.EventSkipped, Reason: "foreign_origin", Text: "the caller's " + name + " does not go to another origin",
			})
		}
	}
}

// sameOrigin compares scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case strings.EqualFold(u.Scheme, "http"):
		return "80"
	}
	return "443"
}
