package vectors_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline/credential"
)

type originIn struct {
	Origin string `json:"origin"`
	URL    string `json:"url"`
}

type originOut struct {
	Valid    bool `json:"valid"`
	Matches  bool `json:"matches"`
	Loopback bool `json:"loopback"`
}

func origins() file {
	return table[originIn, originOut]{
		file: "origins.json",
		text: "Whether an entry of a credential's origins is valid, whether a URL is at it, and whether it can only be this machine (over plain http a credential goes nowhere else, " +
			"unless insecure = true).",
		rules: []string{"send.origin", "send.plain_http", "credential.origins"},
		run:   runOrigin,
		check: checkOrigin,
		cases: append(originMatches(), originRefusals()...),
	}
}

func originMatches() []sample[originIn, originOut] {
	yes, no, here, elsewhere := &originOut{true, true, false}, &originOut{true, false, false}, &originOut{true, true, true}, &originOut{true, false, true}
	const api = "https://api.example.com"
	return []sample[originIn, originOut]{
		{"equal", originIn{api, "https://api.example.com/v1/posts?page=2"}, yes},
		{"a slash behind it", originIn{"https://api.example.com/", "https://api.example.com/v1"}, yes},
		{"case of the host", originIn{"https://API.example.com", "https://api.EXAMPLE.com/"}, yes},
		{"case of the scheme", originIn{"HTTPS://api.example.com", "https://api.example.com/"}, yes},
		{"the default port, written", originIn{api, "https://api.example.com:443/"}, yes},
		{"the default port in the origin", originIn{"https://api.example.com:443", "https://api.example.com/"}, yes},
		{"the default port of http", originIn{"http://api.example.com:80", "http://api.example.com/"}, yes},
		{"an empty port", originIn{"https://api.example.com:", "https://api.example.com/"}, yes},
		{"another port", originIn{api, "https://api.example.com:8443/"}, no},
		{"the port of http", originIn{api, "https://api.example.com:80/"}, no},
		{"another scheme", originIn{api, "http://api.example.com/"}, no},
		{"another scheme on the same port", originIn{api, "http://api.example.com:443/"}, no},
		{"a trailing dot in the URL", originIn{api, "https://api.example.com./"}, no},
		{"a trailing dot in the origin", originIn{"https://api.example.com.", "https://api.example.com/"}, no},
		{"the same end", originIn{"https://example.com", "https://evilexample.com/"}, no},
		{"the same beginning", originIn{api, "https://api.example.com.evil.example/"}, no},
		{"a label more", originIn{"https://example.com", "https://api.example.com/"}, no},
		{"a label less", originIn{api, "https://example.com/"}, no},
		{"the host as user", originIn{api, "https://api.example.com@evil.example/"}, no},
		{"the host in the path", originIn{api, "https://evil.example/https://api.example.com/"}, no},
		{"user information in the URL", originIn{api, "https://ada@api.example.com/"}, yes},
		{"a Kelvin sign for a k", originIn{"https://kapi.example", "https://\u212aapi.example/"}, no},
		{"an address", originIn{"https://192.0.2.1:8443", "https://192.0.2.1:8443/"}, yes},
		{"IPv6", originIn{"https://[2001:db8::1]:8443", "https://[2001:DB8::1]:8443/"}, yes},
		{"another IPv6", originIn{"https://[2001:db8::1]", "https://[2001:db8::2]/"}, no},
		{"IPv6 is compared as it is written", originIn{"https://[2001:db8::1]", "https://[2001:db8:0::1]/"}, no},
		{"star for one label", originIn{"https://*.corp.example", "https://a.corp.example/"}, yes},
		{"star, case", originIn{"https://*.CORP.example", "https://A.corp.Example/"}, yes},
		{"star for no label", originIn{"https://*.corp.example", "https://corp.example/"}, no},
		{"star for two labels", originIn{"https://*.corp.example", "https://a.b.corp.example/"}, no},
		{"star for an empty label", originIn{"https://*.corp.example", "https://.corp.example/"}, no},
		{"star without its dot", originIn{"https://*.corp.example", "https://evilcorp.example/"}, no},
		{"star, another port", originIn{"https://*.corp.example:8443", "https://a.corp.example/"}, no},
		{"loopback by name", originIn{"http://localhost:8080", "http://localhost:8080/x"}, here},
		{"loopback by name, another port", originIn{"http://localhost:8080", "http://localhost/"}, elsewhere},
		{"loopback below localhost", originIn{"http://a.localhost", "http://a.localhost/"}, here},
		{"loopback by address", originIn{"http://127.0.0.1:8080", "http://127.0.0.1:8080/"}, here},
		{"loopback by IPv6", originIn{"http://[::1]", "http://[::1]:80/"}, here},
		{"two names of loopback are two hosts", originIn{"http://127.0.0.1", "http://localhost/"}, elsewhere},
		{"localhost with a dot is no loopback", originIn{"http://localhost.", "http://localhost./"}, yes},
		{"localhost as a first label is no loopback", originIn{"http://localhost.evil.example", "http://localhost.evil.example/"}, yes},
		{"an address as first labels is no loopback", originIn{"http://127.0.0.1.evil.example", "http://127.0.0.1.evil.example/"}, yes},
		{"any address is no loopback", originIn{"http://0.0.0.0", "http://0.0.0.0/"}, yes},
		{"a symbol", originIn{"demo:", "http://demo.localhost/posts"}, here},
		{"a symbol below", originIn{"demo:other", "http://other.demo.localhost/"}, here},
		{"a symbol is not what is below it", originIn{"demo:", "http://other.demo.localhost/"}, elsewhere},
		{"a symbol is plain http", originIn{"demo:", "https://demo.localhost/"}, elsewhere},
	}
}

func originRefusals() []sample[originIn, originOut] {
	var list []sample[originIn, originOut]
	for _, c := range [][2]string{
		{"empty", ""}, {"no scheme", "api.example.com"}, {"host and port alone", "localhost:8080"}, {"another scheme", "ftp://api.example.com"},
		{"no host", "https://"}, {"no slashes", "https:api.example.com"}, {"three slashes", "https:///api.example.com"},
		{"a user", "https://ada@api.example.com"}, {"a user and a password", "https://ada:pw@api.example.com"},
		{"a path", "https://api.example.com/v1"}, {"a query", "https://api.example.com?q=1"}, {"an empty query", "https://api.example.com?"},
		{"a fragment", "https://api.example.com#f"}, {"star alone", "https://*"}, {"star at the end", "https://*."}, {"star within", "https://a.*.example"},
		{"star for part of a label", "https://a*.example"}, {"two stars", "https://*.*.example"}, {"not ASCII", "https://bücher.example"},
		{"port 0", "https://api.example.com:0"}, {"a port with a zero before it", "https://api.example.com:0443"},
		{"a port too large", "https://api.example.com:65536"}, {"a port that is none", "https://api.example.com:x"}, {"a symbol with a path", "demo:/posts"},
	} {
		list = append(list, sample[originIn, originOut]{"not valid: " + c[0], originIn{c[1], "https://api.example.com/"}, &originOut{}})
	}
	return list
}

func runOrigin(t *testing.T, in originIn) originOut {
	o, err := credential.ParseOrigin(in.Origin)
	if err != nil {
		return originOut{}
	}
	u, err := url.Parse(in.URL)
	if err != nil {
		t.Fatal(err)
	}
	return originOut{Valid: true, Matches: o.Match(u), Loopback: o.IsLoopback()}
}

func checkOrigin(in originIn, out originOut) string {
	origin, err := url.Parse(in.Origin)
	u, err2 := url.Parse(in.URL)
	if !out.Matches || strings.HasPrefix(in.Origin, "demo:") {
		return ""
	}
	if err != nil || err2 != nil || !out.Valid {
		return "something that is no origin matches"
	}
	port := func(u *url.URL) string {
		if p := u.Port(); p != "" {
			return p
		}
		return map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	host, pattern := strings.ToLower(u.Hostname()), strings.ToLower(origin.Hostname())
	if strings.HasPrefix(pattern, "*.") {
		_, host, _ = strings.Cut(host, ".")
		pattern = pattern[2:]
	}
	if u.Scheme != origin.Scheme || port(u) != port(origin) || host != pattern {
		return "scheme, host or port differ"
	}
	return ""
}
