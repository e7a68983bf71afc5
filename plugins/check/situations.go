package check

import (
	"net/http"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// situation is a request, and what comes of it.
type situation struct {
	play
	request Request
}

func get(path string) Request { return Request{Method: http.MethodGet, Path: path} }

func post(body []byte) Request {
	return Request{Method: http.MethodPost, Path: "/things?call=check", Body: body}
}

// situations are those that each stage meets.
func situations() []situation {
	stream := reply{what: "a stream", status: 200, header: http.Header{"Content-Type": {"text/event-stream"}}, stream: true}
	breaks := well()
	breaks.breaks, breaks.body = true, []byte(`{"id":`)
	long, even := well(), well()
	long.body, even.body = filled(100_000), filled(wire.MaxInline)
	more := well()
	more.body = filled(2 << 20)
	odd := well()
	odd.header = http.Header{"Content-Type": {";;/"}, "X-Check-Bytes": {"gr\xfc\xdfe"}, "Retry-After": {"-1"}}
	odd.body = []byte("\xff\x00\xfe")
	upload := post(filled(100_000))
	later := upload
	later.late = true
	chunked := post([]byte(`{"name":"leat"}`))
	chunked.chunked = true
	return []situation{
		{play{"wire.do", "a GET that is answered with 200", nil}, get("/things/17?call=check")},
		{play{"wire.do", "a POST with a body", nil}, post([]byte(`{"name":"leat","id":17}`))},
		{play{"wire.do", "a POST whose body has no known length", nil}, chunked},
		{play{"wire.do", "a GET that is answered with 503, then 200", []reply{failing(503, "Retry-After", "1"), well()}}, get("/things/17")},
		{play{"wire.do", "a GET that is answered with 401, then 200", []reply{failing(401, "WWW-Authenticate", `Bearer error="invalid_token"`), well()}}, get("/things/17")},
		{play{"wire.do", "a GET that is answered with 429 always", []reply{failing(429, "Retry-After", "1")}}, get("/things/17")},
		{play{"wire.do", "a GET that is answered with 404", []reply{failing(404)}}, get("/things/17")},
		{play{"wire.error", "a GET whose upstream can't be reached", []reply{unreached()}}, get("/things/17")},
		{play{"wire.error", "a PUT whose upstream can't be reached once", []reply{unreached(), well()}}, Request{Method: http.MethodPut, Path: "/things/17", Body: []byte(`{}`)}},
		{play{"wire.do", "a HEAD that is answered with 204", []reply{{what: "204", status: 204, header: http.Header{}}}}, Request{Method: http.MethodHead, Path: "/"}},
		{play{"wire.inline", "a POST with a body of 64 KiB", []reply{even}}, post(filled(wire.MaxInline))},
		{play{"wire.apart", "a POST with a body of 100 kB that comes before its frame", nil}, upload},
		{play{"wire.apart", "a POST with a body of 100 kB that comes after its frame", []reply{long}}, later},
		{play{"wire.read", "a GET that is answered with a body of 2 MiB", []reply{more}}, get("/things")},
		{play{"wire.read", "a GET that is answered with a stream", []reply{stream}}, get("/events")},
		{play{"wire.read", "a GET whose answer's body breaks off", []reply{breaks}}, get("/things/17")},
		{play{"wire.bytes", "a GET whose answer has headers and a body that are not UTF-8", []reply{odd}}, get("/things/17")},
	}
}
