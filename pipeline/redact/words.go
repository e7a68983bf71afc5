package redact

import (
	"net/url"
	"strings"
)

// closing is the index of the quote that ends the text which begins at from behind slashes backslashes and a quote: in
// JSON within JSON within … each level puts more backslashes before it. Without one the text goes on to the end.
func closing(s string, from int, quote byte, slashes int) int {
	run := 0
	for i := from; i < len(s); i++ {
		switch s[i] {
		case '\\':
			run++
			continue
		case quote:
			if run%(2*slashes+2) == slashes {
				return i - slashes
			}
		}
		run = 0
	}
	return len(s)
}

// tokenIn is where in word a token begins that its form gives away (a JSON web token, or one of a well-known issuer), -1 if
// none does.
func tokenIn(word string) int {
	if len(word) < minToken {
		return -1
	}
	if at := strings.Index(word, "eyJ"); at >= 0 && len(word)-at >= minToken && strings.IndexByte(word[at:], '.') > 0 {
		return at
	}
	for _, p := range [...]string{"ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "sk-", "sk_live_", "rk_live_", "xoxb-", "xoxp-", "AKIA"} {
		if strings.HasPrefix(word, p) {
			return 0
		}
	}
	return -1
}

func isScheme(word string) bool {
	switch len(word) {
	case 4:
		return strings.EqualFold(word, "DPoP")
	case 5:
		return strings.EqualFold(word, "Basic")
	case 6:
		return strings.EqualFold(word, "Bearer")
	case 9:
		return strings.EqualFold(word, "Negotiate")
	}
	return false
}

// looseUnescape decodes the escapes that are valid and leaves the rest.
func looseUnescape(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if b, err := url.PathUnescape(s[i : i+3]); err == nil {
				out = append(out, b...)
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// isName reports whether c may stand in a name or a token: letters, digits, _ - . % ~ and all beyond ASCII. It is asked for
// every byte of every text, hence the bits.
func isName(c byte) bool {
	const (
		low  = 1<<'%' | 1<<'-' | 1<<'.' | (1<<10-1)<<'0'
		high = 1<<('_'-64) | 1<<('~'-64) | (1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64)
	)
	return c >= 0x80 || c < 64 && uint64(low)>>c&1 == 1 || c >= 64 && uint64(high)>>(c-64)&1 == 1
}
