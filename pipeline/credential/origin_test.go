package credential

import (
	"net/url"
	"strings"
	"testing"
)

func TestOrigin_Match(t *testing.T) {
	for _, tc := range []struct {
		name, origin, url string
		want              bool
	}{
		{"equal", "https://api.example.com", "https://api.example.com/x?y", true},
		{"case_of_host", "https://API.example.com", "https://api.EXAMPLE.com/", true},
		{"case_of_scheme", "HTTPS://api.example.com", "https://api.example.com/", true},
		{"default_https_port", "https://api.example.com", "https://api.example.com:443/", true},
		{"default_http_port", "http://api.example.com:80", "http://api.example.com/", true},
		{"empty_port", "https://api.example.com:", "https://api.example.com/", true},
		{"other_port", "https://api.example.com", "https://api.example.com:8443/", false},
		{"http_port_on_https", "https://api.example.com", "https://api.example.com:80/", false},
		{"other_scheme", "https://api.example.com", "http://api.example.com/", false},
		{"other_scheme_same_port", "https://api.example.com", "http://api.example.com:443/", false},
		{"trailing_dot_in_url", "https://api.example.com", "https://api.example.com./", false},
		{"trailing_dot_in_origin", "https://api.example.com.", "https://api.example.com/", false},
		{"suffix", "https://example.com", "https://evilexample.com/", false},
		{"label_below", "https://example.com", "https://a.example.com/", false},
		{"host_as_user", "https://api.example.com", "https://api.example.com@evil.example/", false},
		{"kelvin_sign", "https://kapi.example", "https://\u212aapi.example/", false},
		{"ipv6", "https://[2001:db8::1]:8443", "https://[2001:DB8::1]:8443/", true},
		{"ipv6_default_port", "http://[::1]", "http://[::1]:80/", true},
		{"ipv6_other", "https://[2001:db8::1]", "https://[2001:db8::2]/", false},
		{"star_one_label", "https://*.corp.example", "https://a.corp.example/", true},
		{"star_case", "https://*.CORP.example", "https://A.corp.Example/", true},
		{"star_no_label", "https://*.corp.example", "https://corp.example/", false},
		{"star_two_labels", "https://*.corp.example", "https://a.b.corp.example/", false},
		{"star_empty_label", "https://*.corp.example", "https://.corp.example/", false},
		{"star_suffix", "https://*.corp.example", "https://evilcorp.example/", false},
		{"star_port", "https://*.corp.example:8443", "https://a.corp.example/", false},
		{"symbol", "demo:", "http://demo.localhost/posts", true},
		{"symbol_below", "demo:other", "http://other.demo.localhost/", true},
		{"symbol_is_not_its_sub", "demo:", "http://other.demo.localhost/", false},
		{"symbol_https", "demo:", "https://demo.localhost/", false},
		{"slash", "https://api.example.com/", "https://api.example.com/x", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o, err := ParseOrigin(tc.origin)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(tc.url)
			if err != nil {
				t.Fatal(err)
			}
			if got := o.Match(u); got != tc.want {
				t.Errorf("ParseOrigin(%q).Match(%q) = %v, want %v", tc.origin, tc.url, got, tc.want)
			}
		})
	}
}

func TestParseOrigin_refuses(t *testing.T) {
	for _, s := range []string{
		"", "api.example.com", "ftp://api.example.com", "https://", "https:api.example.com", "https:///x", "localhost:8080",
		"https://user@api.example.com", "https://user:" + canary + "@api.example.com", "https://:" + canary + "@:x",
		"https://api.example.com/path", "https://api.example.com?", "https://api.example.com?q=1", "https://api.example.com#f",
		"https://api.example.com#", "https://*", "https://*.", "https://a.*.example", "https://a*.example", "https://*.*.example",
		"https://bücher.example", "https://api.example.com:0", "https://api.example.com:0443", "https://api.example.com:65536",
		"https://api.example.com:x", "demo:/posts", "http://[::1", "://x", "\x00",
	} {
		o, err := ParseOrigin(s)
		if err == nil {
			t.Errorf("ParseOrigin(%q) = %v, want an error", s, o)
			continue
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("ParseOrigin shows user information: %v", err)
		}
	}
}

func TestOrigin_String(t *testing.T) {
	for in, want := range map[string]string{
		"https://API.example.com:443/": "https://api.example.com",
		"http://api.example.com:443":   "http://api.example.com:443",
		"https://*.corp.example:8443":  "https://*.corp.example:8443",
		"https://[2001:DB8::1]:8443":   "https://[2001:db8::1]:8443",
		"http://[::1]":                 "http://[::1]",
		"demo:":                        "demo:",
		"demo:other":                   "demo:other",
	} {
		o, err := ParseOrigin(in)
		if err != nil {
			t.Errorf("ParseOrigin(%q): %v", in, err)
			continue
		}
		if got := o.String(); got != want {
			t.Errorf("ParseOrigin(%q).String() = %q, want %q", in, got, want)
		}
		again, err := ParseOrigin(o.String())
		if err != nil || again.URL().String() != o.URL().String() {
			t.Errorf("ParseOrigin(%q) is not what it was: %v, %v", o.String(), again, err)
		}
	}
}

func TestOrigin_IsLoopback(t *testing.T) {
	for in, want := range map[string]bool{
		"http://localhost:8080": true, "http://a.localhost": true, "demo:": true, "http://*.localhost": true,
		"http://127.0.0.1": true, "http://127.255.0.9:1": true, "http://[::1]": true, "http://[0:0:0:0:0:0:0:1]": true,
		"http://localhost.": false, "http://localhost.evil.example": false, "http://127.0.0.1.evil.example": false,
		"http://127.1.example": false, "http://127.0.0.1.2": false, "http://128.0.0.1": false, "http://notlocalhost": false,
		"http://*.0.0.1": false, "http://[2001:db8::1]": false, "http://0.0.0.0": false,
	} {
		o, err := ParseOrigin(in)
		if err != nil {
			t.Errorf("ParseOrigin(%q): %v", in, err)
			continue
		}
		if got := o.IsLoopback(); got != want {
			t.Errorf("%s: IsLoopback() = %v, want %v", in, got, want)
		}
	}
}

func TestExpandSymbol(t *testing.T) {
	for in, want := range map[string]string{
		"demo:":                 "http://demo.localhost",
		"demo:/posts":           "http://demo.localhost/posts",
		"demo:?q=1":             "http://demo.localhost?q=1",
		"demo:other":            "http://other.demo.localhost",
		"demo:other/posts?q=1":  "http://other.demo.localhost/posts?q=1",
		"localhost:8080":        "localhost:8080",
		"localhost:8080/x":      "localhost:8080/x",
		"api.example.com:8080":  "api.example.com:8080",
		"https://example.com":   "https://example.com",
		"demo://x":              "demo://x",
		"http:x":                "http:x",
		"/posts?at=12:30":       "/posts?at=12:30",
		"demo":                  "demo",
		"":                      "",
		":x":                    ":x",
		"Demo:":                 "Demo:",
		"demo:Other":            "demo:Other",
		"demo:a@b":              "demo:a@b",
		"http://demo.localhost": "http://demo.localhost",
	} {
		if got := ExpandSymbol(in); got != want {
			t.Errorf("ExpandSymbol(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSymbolOf(t *testing.T) {
	for in, want := range map[string]string{
		"demo.localhost": "demo", "other.demo.localhost": "demo", "DEMO.LocalHost": "demo",
		"localhost": "", "demo.localhost.": "", "example.com": "", "": "",
	} {
		if got := SymbolOf(in); got != want {
			t.Errorf("SymbolOf(%q) = %q, want %q", in, got, want)
		}
	}
}
