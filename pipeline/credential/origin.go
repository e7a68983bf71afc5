package credential

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Origin is an exact place that requests go to: scheme, host and port. "https://*.corp.example" matches one more label in
// place of the star. A symbolic origin, "demo:" or "demo:other", stands for the reserved http://demo.localhost or
// http://other.demo.localhost, which an upstream given in Go (or by the command) serves.
type Origin struct {
	scheme, host, port string
	wildcard           bool // host lacks its first label
	symbol             string
}

// ParseOrigin reads an origin as the file writes it. Path, query, fragment and user information are refused.
func ParseOrigin(s string) (Origin, error) {
	expanded := ExpandSymbol(s)
	u, err := url.Parse(expanded)
	if err != nil {
		return Origin{}, &configError{text: "origin: not a URL", secret: true} // it may hold a password
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return Origin{}, fmt.Errorf("origin %q: must begin with https:// or http://", s)
	case u.User != nil:
		return Origin{}, &configError{text: "origin: must not hold user information", secret: true}
	case u.Hostname() == "":
		return Origin{}, fmt.Errorf("origin %q: has no host", s)
	case u.Path != "" && u.Path != "/" || strings.ContainsAny(s, "?#"):
		return Origin{}, fmt.Errorf("origin %q: only scheme, host and port", s)
	case !isASCII(u.Hostname()):
		return Origin{}, fmt.Errorf("origin %q: write the host in ASCII (punycode, xn--…)", s)
	case !isPort(portOf(u)):
		return Origin{}, fmt.Errorf("origin %q: the port must be 1 to 65535", s)
	}
	o := Origin{scheme: u.Scheme, host: strings.ToLower(u.Hostname()), port: portOf(u)}
	if expanded != s {
		o.symbol = s
	}
	if rest, ok := strings.CutPrefix(o.host, "*."); ok {
		o.host, o.wildcard = rest, true
	}
	if o.host == "" || strings.Contains(o.host, "*") {
		return Origin{}, fmt.Errorf("origin %q: a star may stand only for the whole first label, as in https://*.example.com", s)
	}
	return o, nil
}

// ExpandSymbol turns a symbolic reference, "NAME:", "NAME:SUB" or either followed by a path, into its reserved URL
// below .localhost, and returns everything else as it is.
func ExpandSymbol(s string) string {
	name, rest, ok := strings.Cut(s, ":")
	if !ok || !isLabel(name) || name == "http" || name == "https" || strings.HasPrefix(rest, "//") {
		return s
	}
	sub, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		sub, path = rest[:i], rest[i:]
	}
	if sub == "" {
		return "http://" + name + ".localhost" + path
	}
	if !isLabel(sub) || isDigits(sub) { // host:port is no symbol
		return s
	}
	return "http://" + sub + "." + name + ".localhost" + path
}

// SymbolOf returns the upstream name of a symbolic URL's host ("demo" for demo.localhost and other.demo.localhost), or "".
func SymbolOf(host string) string {
	rest, ok := strings.CutSuffix(strings.ToLower(host), ".localhost")
	if !ok {
		return ""
	}
	return rest[strings.LastIndexByte(rest, '.')+1:]
}

// Match reports whether u is at the origin. A trailing dot makes another host.
func (o Origin) Match(u *url.URL) bool {
	if !strings.EqualFold(u.Scheme, o.scheme) || portOf(u) != o.port {
		return false
	}
	host := u.Hostname()
	if !isASCII(host) { // EqualFold would take a Kelvin sign for a k
		return false
	}
	if !o.wildcard {
		return strings.EqualFold(host, o.host)
	}
	i := strings.IndexByte(host, '.')
	return i > 0 && strings.EqualFold(host[i+1:], o.host)
}

// IsLoopback reports whether the origin can only be this machine (RFC 6761 §6.3: localhost and names below it; 127.0.0.0/8; ::1).
func (o Origin) IsLoopback() bool {
	if o.host == "localhost" || strings.HasSuffix(o.host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(o.host)
	return err == nil && !o.wildcard && ip.IsLoopback()
}

// Scheme returns "http" or "https".
func (o Origin) Scheme() string { return o.scheme }

// Wildcard reports whether the origin stands for more than one host.
func (o Origin) Wildcard() bool { return o.wildcard }

// URL returns the origin's root, as http(s)://host[:port], without a star resolved.
func (o Origin) URL() *url.URL {
	host := o.host
	if o.wildcard {
		host = "*." + host
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.scheme == "https" && o.port != "443" || o.scheme == "http" && o.port != "80" {
		host += ":" + o.port
	}
	return &url.URL{Scheme: o.scheme, Host: host}
}

// String returns the origin as the file would write it.
func (o Origin) String() string {
	if o.symbol != "" {
		return o.symbol
	}
	return o.URL().String()
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && s[0] != '0' // 0443 would not match 443
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

func isLabel(s string) bool {
	if s == "" || s[0] == '-' {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
