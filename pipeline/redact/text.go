package redact

import (
	"net/url"
	"strings"
)

// Text masks what is secret in free text, such as an error's message: learnt values, what follows Bearer, Basic and other
// schemes, JSON web tokens, userinfo in URLs, the values of name=value and "name": value whose name is secret, and the
// rest of a line after a secret header's name. It returns s itself if there is nothing to mask, without allocating.
func (r *Redactor) Text(s string) string { return r.text(s, 0) }

// minToken is the least length of a token that its form gives away.
const minToken = 20

// maxNesting is how often text within text, percent-encoded, is looked into.
const maxNesting = 3

func (r *Redactor) text(s string, depth int) string {
	t := textScan{r: r, s: r.memory.mask(s), depth: depth}
	if len(t.s) < minToken && !strings.ContainsAny(t.s, " \t\r\n+:=\\\"'%") {
		return t.s // one short word
	}
	for t.i < len(t.s) {
		switch {
		case isName(t.s[t.i]):
			t.word()
		case t.s[t.i] == ':' && strings.HasPrefix(t.s[t.i:], "://"):
			t.i += 3
			t.userinfo()
		default:
			t.i++
		}
	}
	return t.e.result(t.s)
}

// textScan goes once over a text, from word to word.
type textScan struct {
	r     *Redactor
	s     string
	i     int
	depth int
	e     edit
	noAt  int // no @ stands before this index: keeps userinfo linear
}

func (t *textScan) mask(from, to int) {
	t.e.replace(t.s, from, to, Mask)
	t.i = to
}

func (t *textScan) word() {
	from := t.i
	for t.i < len(t.s) && isName(t.s[t.i]) {
		t.i++
	}
	word := t.s[from:t.i]
	if at := tokenIn(word); at >= 0 {
		t.mask(from+at, t.i)
		return
	}
	if isScheme(word) && t.credentials() {
		return
	}
	if t.value(word, from) {
		return
	}
	if strings.IndexByte(word, '%') >= 0 {
		plain, err := url.QueryUnescape(word)
		if err != nil {
			plain = looseUnescape(word)
		}
		if plain != word && (t.depth == maxNesting || t.r.text(plain, t.depth+1) != plain) {
			t.mask(from, t.i)
		}
	}
}

// credentials masks what follows the name of an authentication scheme, and reports whether something did.
func (t *textScan) credentials() bool {
	from := t.i
	for from < len(t.s) && strings.IndexByte(" \t\r\n+:=\\\"'", t.s[from]) >= 0 {
		from++
	}
	rest := t.s[from:]
	if from == t.i || strings.HasPrefix(rest, "realm=") || strings.HasPrefix(rest, "error=") || strings.HasPrefix(rest, "scope=") {
		return false // a challenge
	}
	end := t.end(from)
	if end == from {
		return false
	}
	switch strings.ToLower(strings.TrimRight(t.s[from:end], ".:")) {
	case "token", "tokens", "auth", "authentication", "authorization", "scheme", "credentials", "credential":
		return false // a sentence about it: the token follows none of them
	}
	t.mask(from, end)
	return true
}

// value masks the value of a secret name that stands before t.i, and reports whether there was one.
func (t *textScan) value(name string, nameAt int) bool {
	s, i, quoted := t.s, t.i, false
	for i < len(s) && i < t.i+16 && strings.IndexByte("\\\"']", s[i]) >= 0 {
		quoted = quoted || s[i] != ']' && s[i] != '\\'
		i++
	}
	for i < len(s) && i < t.i+32 && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	if i == len(s) || s[i] != '=' && s[i] != ':' {
		return false
	}
	colon := s[i] == ':'
	if colon && !quoted {
		return t.header(name, i+1)
	}
	param := nameAt > 0 && (s[nameAt-1] == '?' || s[nameAt-1] == '&')
	if !t.r.secretText(name, param) {
		return false
	}
	for i < len(s) && strings.IndexByte("=: \t\r\n", s[i]) >= 0 {
		i++
	}
	from, slashes := i, 0
	for i < len(s) && s[i] == '\\' {
		i, slashes = i+1, slashes+1
	}
	switch {
	case i == len(s):
	case s[i] == '"' || s[i] == '\'':
		end := closing(s, i+1, s[i], slashes)
		t.mask(i+1, max(end, i+1))
		return true
	case s[i] == '{' || s[i] == '[':
		t.mask(from, len(s))
		return true
	}
	end := t.end(i)
	if colon {
		if c := strings.IndexByte(s[i:end], ','); c >= 0 {
			end = i + c
		}
	}
	t.i = end
	if isScheme(s[from:end]) && t.credentials() {
		return true
	}
	if end > from {
		t.mask(from, end)
	}
	return true
}

// header masks the rest of the line after the name of a secret header and a colon. A bare word with a colon is not one:
// Go's error texts are full of those.
func (t *textScan) header(name string, from int) bool {
	switch {
	case strings.IndexByte(name, '-') > 0 && !strings.Contains(name, "://"):
	case strings.EqualFold(name, "cookie"), name == "Authorization":
	default:
		return false
	}
	if strings.HasSuffix(strings.ToLower(name), "authenticate") || !t.r.secretHeader(name) {
		return false
	}
	for from < len(t.s) && t.s[from] == ' ' {
		from++
	}
	end := len(t.s)
	if n := strings.IndexAny(t.s[from:], "\r\n"); n >= 0 {
		end = from + n
	}
	if end == from {
		return false
	}
	t.mask(from, end)
	return true
}

// userinfo masks what stands before @ in the authority that begins at t.i. A password with an unescaped / ? or # makes
// url.Parse see another authority; a "port" that is no number gives that away.
func (t *textScan) userinfo() {
	from, run := t.i, t.i
	for run < len(t.s) && strings.IndexByte("/?# \t\r\n\"'<>`", t.s[run]) < 0 {
		run++
	}
	authority := t.s[from:run]
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		t.mask(from, from+at)
		return
	}
	colon := strings.IndexByte(authority, ':')
	if colon < 0 || isDigits(authority[colon+1:]) || from < t.noAt {
		return
	}
	for run < len(t.s) && strings.IndexByte(" \t\r\n\"'<>`", t.s[run]) < 0 {
		run++
	}
	if at := strings.LastIndexByte(t.s[from:run], '@'); at >= 0 {
		t.mask(from, from+at)
		return
	}
	t.noAt = run
}

// end is where an unquoted value that begins at from ends.
func (t *textScan) end(from int) int {
	if n := strings.IndexAny(t.s[from:], "&; \t\r\n\"'<>`)]}\\"); n >= 0 {
		return from + n
	}
	return len(t.s)
}

func (r *Redactor) secretText(name string, param bool) bool {
	if strings.IndexByte(name, '%') >= 0 {
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
	}
	if param {
		return r.secretParam(name)
	}
	return r.secretName(name)
}
