package redact

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// The bounds of what a Redactor remembers.
const (
	minLearnt   = 6       // bytes: shorter values would mask harmless text
	maxLearnt   = 4096    // values
	learntBytes = 4 << 20 // of all their forms
	filterBits  = 18
)

// Learn remembers s, so that Text, Header, Headers, URL and Body mask it wherever it stands, also escaped for a URL or for
// JSON and in base64. Values shorter than 6 bytes are not remembered. At most 4,096 values of 4 MiB in all are: the oldest
// make room. Learning a value again costs little.
func (r *Redactor) Learn(s Secret) { r.memory.learn(s.Reveal()) }

// Known returns text with every value masked that was learnt, and with nothing else changed: for what is written with care, but quotes
// what others say. Text also masks what looks like a secret.
func (r *Redactor) Known(text string) string { return r.memory.mask(text) }

// memory finds learnt values in one pass over a text: by their first six bytes, which a filter of bits rules out without a
// lock nearly everywhere.
type memory struct {
	filter  [1 << filterBits / 64]atomic.Uint64
	longest atomic.Int64 // bytes of the longest form ever; 0: nothing learnt

	mu    sync.RWMutex
	order []string            // learnt values, oldest first
	known map[string][]string // value → its forms
	refs  map[string]int      // form → how many values have it
	by    map[uint64][]string // first six bytes → forms, sorted
	bytes int
	stale int // values forgotten since the filter was made
}

func (m *memory) learn(value string) {
	if len(value) < minLearnt || len(value) > learntBytes/8 {
		return
	}
	m.mu.RLock()
	_, ok := m.known[value]
	m.mu.RUnlock()
	if ok {
		return
	}
	forms := formsOf(value)
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.known[value]; ok {
		return
	}
	if m.known == nil {
		m.known, m.refs, m.by = map[string][]string{}, map[string]int{}, map[uint64][]string{}
	}
	m.known[value] = forms
	m.order = append(m.order, value)
	for _, f := range forms {
		m.add(f)
	}
	for len(m.order) > maxLearnt || m.bytes > learntBytes {
		m.forget()
	}
}

func (m *memory) add(form string) {
	if m.refs[form]++; m.refs[form] > 1 {
		return
	}
	m.bytes += len(form)
	k := prefix(form)
	i, _ := slices.BinarySearch(m.by[k], form)
	m.by[k] = slices.Insert(m.by[k], i, form)
	m.longest.Store(max(m.longest.Load(), int64(len(form))))
	word, bit := slot(k)
	m.filter[word].Or(bit)
}

func (m *memory) forget() {
	value := m.order[0]
	m.order = slices.Delete(m.order, 0, 1)
	for _, f := range m.known[value] {
		if m.refs[f]--; m.refs[f] > 0 {
			continue
		}
		delete(m.refs, f)
		m.bytes -= len(f)
		k := prefix(f)
		if i, ok := slices.BinarySearch(m.by[k], f); ok {
			m.by[k] = slices.Delete(m.by[k], i, i+1)
		}
		if len(m.by[k]) == 0 {
			delete(m.by, k)
		}
	}
	delete(m.known, value)
	if m.stale++; m.stale < maxLearnt {
		return
	}
	m.stale = 0
	var fresh [len(m.filter)]uint64
	for k := range m.by {
		word, bit := slot(k)
		fresh[word] |= bit
	}
	for i := range fresh {
		m.filter[i].Store(fresh[i]) // each word holds all that is known at every moment: readers miss nothing
	}
}

// mask returns s with every learnt value replaced, s itself if there is none.
func (m *memory) mask(s string) string {
	if m.longest.Load() == 0 || len(s) < minLearnt {
		return s
	}
	var e edit
	for i := 0; i+minLearnt <= len(s); {
		n := m.match(s[i:])
		if n == 0 {
			i++
			continue
		}
		end := i + n
		for j := i + 1; j < end && j+minLearnt <= len(s); j++ { // values that overlap are one mask
			end = max(end, j+m.match(s[j:]))
		}
		e.replace(s, i, end, Mask)
		i = end
	}
	return e.result(s)
}

// match returns how many bytes at the start of s are the longest learnt form that stands there, 0 if none. Where s ends
// before a form does, all of s counts: texts are cut off at any byte.
func (m *memory) match(s string) int {
	k := prefix(s)
	word, bit := slot(k)
	if m.filter[word].Load()&bit == 0 {
		return 0
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	forms := m.by[k]
	if i, ok := slices.BinarySearch(forms, s); ok || i < len(forms) && strings.HasPrefix(forms[i], s) {
		return len(s)
	}
	for t := s; len(t) >= minLearnt; {
		i, ok := slices.BinarySearch(forms, t)
		if ok {
			return len(t)
		}
		if i == 0 {
			return 0
		}
		f := forms[i-1]
		if strings.HasPrefix(t, f) {
			return len(f)
		}
		n := 0 // what else is a prefix of t sorts before f, and is no longer than what both share
		for n < len(f) && n < len(t) && f[n] == t[n] {
			n++
		}
		t = t[:n]
	}
	return 0
}

// formsOf lists value as it may stand in a URL, in JSON and in base64, each at least minLearnt bytes and once.
func formsOf(value string) []string {
	forms := []string{value}
	add := func(f string) {
		if len(f) >= minLearnt && !slices.Contains(forms, f) {
			forms = append(forms, strings.Clone(f))
		}
	}
	for _, f := range []string{url.QueryEscape(value), url.PathEscape(value), (&url.URL{Path: value}).EscapedPath()} {
		add(f)
		add(lowerEscapes(f))
	}
	var plain strings.Builder
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	if enc.Encode(value) == nil {
		add(unquoted(strings.TrimSuffix(plain.String(), "\n")))
	}
	if b, err := json.Marshal(value); err == nil {
		add(unquoted(string(b)))
	}
	add(base64.RawStdEncoding.EncodeToString([]byte(value)))
	add(base64.RawURLEncoding.EncodeToString([]byte(value)))
	return forms
}

func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:], strings.ToLower(s[i+1:i+3]))
		}
	}
	return string(b)
}

func prefix(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40
}

func slot(k uint64) (word int, bit uint64) {
	h := k * 0x9e3779b97f4a7c15 >> (64 - filterBits)
	return int(h / 64), 1 << (h % 64)
}

// edit builds a changed copy of a string, and nothing if nothing changes. Replacements come in order.
type edit struct {
	out  []byte
	kept int
}

func (e *edit) replace(s string, from, to int, with string) {
	e.out = append(e.out, s[e.kept:from]...)
	e.out = append(e.out, with...)
	e.kept = to
}

// size is how long the result is, if all of s before i stays.
func (e *edit) size(i int) int { return len(e.out) + i - e.kept }

func (e *edit) result(s string) string {
	if e.kept == 0 && e.out == nil {
		return s
	}
	return string(append(e.out, s[e.kept:]...))
}

// unquoted cuts the two quotes off and nothing else: the value may itself begin or end with one.
func unquoted(s string) string { return s[1 : len(s)-1] }
