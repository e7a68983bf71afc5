package cond

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

// RequestOf shows r to expressions. Headers that carry credentials read as "" (Authorization, Proxy-Authorization, Cookie),
// X-Api-Key and its like, as do query parameters such as access_token and api_key, and every header and parameter for which hidden reports true;
// hidden gets headers in canonical form and may be nil. The result reads r when it is asked, so it is good only as long as
// nobody changes r.
func RequestOf(r *http.Request, hidden func(name string) bool) Request {
	if r == nil {
		return Request{}
	}
	out := Request{
		Method:        r.Method,
		Host:          r.Host,
		ContentLength: r.ContentLength,
		Header:        func(name string) string { return requestHeader(r, name, hidden) },
	}
	if out.Method == "" {
		out.Method = http.MethodGet
	}
	if r.Body == nil || r.Body == http.NoBody {
		out.ContentLength = 0
	} else if r.ContentLength == 0 {
		out.ContentLength = -1 // a client request says 0 for unknown when it has a body
	}
	if r.URL == nil {
		return out
	}
	if out.Host == "" {
		out.Host = r.URL.Host
	}
	out.Scheme, out.Path = r.URL.Scheme, r.URL.Path
	if out.Path == "" {
		out.Path = "/"
	}
	out.URL = out.Scheme + "://" + r.URL.Host + out.Path
	if u := r.URL; u.RawQuery != "" {
		out.Query = func(name string) string { return queryParam(u.RawQuery, name, hidden) }
	}
	return out
}

// ResponseOf shows r to expressions; nil gives the zero Response. Set-Cookie and the headers that [RequestOf] hides read
// as "". The result is good as long as nobody changes r.
func ResponseOf(r *http.Response) Response {
	if r == nil {
		return Response{}
	}
	out := Response{
		Status:        r.StatusCode,
		ContentLength: r.ContentLength,
		Header:        func(name string) string { return header(r.Header, name, nil) },
	}
	if v := r.Header.Get("Content-Type"); v != "" {
		out.ContentType = mediaType(v)
	}
	return out
}

func requestHeader(r *http.Request, name string, hidden func(string) bool) string {
	if len(name) == len("Host") && strings.EqualFold(name, "Host") {
		if r.Host == "" && r.URL != nil {
			return r.URL.Host
		}
		return r.Host
	}
	return header(r.Header, name, hidden)
}

func header(h http.Header, name string, hidden func(string) bool) string {
	key := textproto.CanonicalMIMEHeaderKey(name)
	if hiddenHeader(key) || hidden != nil && hidden(key) {
		return ""
	}
	switch v := h[key]; len(v) {
	case 0:
		return ""
	case 1:
		return v[0]
	default:
		return strings.Join(v, ", ") // RFC 9110 §5.3
	}
}

func queryParam(raw, name string, hidden func(string) bool) string {
	if hiddenParam(name) || hidden != nil && hidden(name) {
		return ""
	}
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		key, value, _ := strings.Cut(pair, "=")
		if k, err := url.QueryUnescape(key); err != nil || k != name {
			continue
		}
		if v, err := url.QueryUnescape(value); err == nil {
			return v
		}
	}
	return ""
}

// mediaType is mime.ParseMediaType without its errors: a type with broken parameters is still that type.
func mediaType(v string) string {
	v, _, _ = strings.Cut(v, ";")
	v = strings.TrimSpace(v)
	return strings.ToLower(v)
}

// hiddenHeader and hiddenParam name what no expression ever sees; header names in canonical form.
func hiddenHeader(key string) bool {
	switch key {
	case "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "Api-Key", "Apikey", "X-Auth-Token", "X-Access-Token":
		return true
	}
	return false
}

func hiddenParam(name string) bool {
	switch strings.ToLower(name) {
	case "access_token", "refresh_token", "id_token", "client_secret", "api_key", "apikey", "api-key":
		return true
	}
	return false
}
