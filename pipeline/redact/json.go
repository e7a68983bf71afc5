package redact

import (
	"fmt"
	"strings"
)

// maxDepth is how deep JSON may nest; what is deeper counts as malformed.
const maxDepth = 1000

const quotedMask = `"` + Mask + `"`

// jsonScan goes once over JSON text and keeps it as it is written, save for what it masks. A strict grammar is what makes
// it safe: whatever a lenient reader might take for a key is either one here too, or malformed and not shown.
type jsonScan struct {
	r     *Redactor
	s     string
	limit int

	i     int
	e     edit
	depth int  // how many { and [ are open
	short bool // the text ends before the body does
	bad   bool // s is malformed at i

	objects [maxDepth/64 + 1]uint64 // a bit for each that is open: set for {

	hidden int // depth outside the value of a secret key, while inside it; -1 otherwise
	start  int // where that value begins
}

// what the grammar allows next
type expect int

const (
	anyValue expect = iota
	valueOrEnd
	key
	keyOrEnd
	colon
	commaOrEnd
)

// run returns the text that may be shown, and a note if the JSON is malformed.
func (j *jsonScan) run() (text, note string) {
	j.hidden = -1
	j.i = len(j.s) - len(strings.TrimPrefix(j.s, "\ufeff"))
	next, secret := anyValue, false
	for !j.bad && !j.short {
		for j.i < len(j.s) && strings.IndexByte(" \t\r\n", j.s[j.i]) >= 0 {
			j.i++
		}
		if j.i == len(j.s) {
			j.short = j.depth > 0
			break
		}
		if j.hidden < 0 && j.e.size(j.i) >= j.limit {
			j.short = true
			break
		}
		next, secret = j.step(next, secret)
	}
	end := j.i
	if j.hidden >= 0 { // the value of a secret key has no end: nothing of it shows
		j.e.replace(j.s, j.start, end, quotedMask)
	}
	if j.bad {
		j.short = true
		note = fmt.Sprintf("[malformed from byte %d]", end)
	}
	return j.e.result(j.s[:end]), note
}

// step reads one token at j.i. secret tells that the value to come belongs to a secret key.
func (j *jsonScan) step(next expect, secret bool) (expect, bool) {
	c := j.s[j.i]
	wantsValue := next == anyValue || next == valueOrEnd
	switch {
	case (c == '}' || c == ']') && j.closes(c, next):
		j.depth--
		j.i++
		if j.depth == j.hidden {
			j.e.replace(j.s, j.start, j.i, quotedMask)
			j.hidden = -1
		}
		return j.after(), false
	case c == ',' && next == commaOrEnd:
		j.i++
		if j.inObject() {
			return key, false
		}
		return anyValue, false
	case c == ':' && next == colon:
		j.i++
		return anyValue, secret
	case c == '"' && (next == key || next == keyOrEnd):
		return colon, j.key()
	case wantsValue && (c == '{' || c == '['):
		if j.depth == maxDepth {
			break
		}
		if secret && j.hidden < 0 {
			j.hidden, j.start = j.depth, j.i
		}
		j.open(c == '{')
		j.i++
		if c == '{' {
			return keyOrEnd, false
		}
		return valueOrEnd, false
	case wantsValue:
		j.scalar(secret)
		return j.after(), false
	}
	j.bad = true
	return next, false
}

func (j *jsonScan) closes(c byte, next expect) bool {
	if j.depth == 0 {
		return false
	}
	if c == '}' {
		return j.inObject() && (next == keyOrEnd || next == commaOrEnd)
	}
	return !j.inObject() && (next == valueOrEnd || next == commaOrEnd)
}

func (j *jsonScan) open(object bool) {
	bit := uint64(1) << (j.depth % 64)
	if j.objects[j.depth/64] &^= bit; object {
		j.objects[j.depth/64] |= bit
	}
	j.depth++
}

func (j *jsonScan) inObject() bool {
	return j.objects[(j.depth-1)/64]>>((j.depth-1)%64)&1 == 1
}

// after says what may follow a value. Behind a whole text another may begin: JSON lines.
func (j *jsonScan) after() expect {
	if j.depth == 0 {
		return anyValue
	}
	return commaOrEnd
}

// key reads a key and reports whether it is secret.
func (j *jsonScan) key() bool {
	end := j.string()
	if j.bad || j.short {
		return false
	}
	raw := j.s[j.i+1 : end-1]
	name := raw
	if strings.IndexByte(raw, '\\') >= 0 {
		name = decode(raw)
	}
	if j.hidden < 0 {
		if shown := j.show(j.i+1, end-1); j.short {
			j.i = shown
			return false
		}
	}
	j.i = end
	return j.r.secretName(name)
}

func (j *jsonScan) scalar(secret bool) {
	var end int
	text := j.s[j.i] == '"'
	if text {
		if end = j.string(); j.bad || j.short {
			j.cutShort(secret)
			return
		}
	} else if end = j.literal(); j.bad {
		return
	}
	switch {
	case j.hidden >= 0:
	case secret:
		j.e.replace(j.s, j.i, end, quotedMask)
	case text:
		if shown := j.show(j.i+1, end-1); j.short {
			j.i = shown
			return
		}
	case j.r.memory.mask(j.s[j.i:end]) != j.s[j.i:end]:
		j.e.replace(j.s, j.i, end, quotedMask)
	}
	j.i = end
}

// cutShort deals with a string at j.i that the body does not end. Its last word is not shown: it may be the first half of
// something that Text would know by its end.
func (j *jsonScan) cutShort(secret bool) {
	switch {
	case j.bad || j.hidden >= 0:
	case secret:
		j.hidden, j.start = j.depth, j.i
	default:
		raw := j.s[j.i+1:]
		if n := strings.LastIndexByte(raw, '\\'); n >= 0 && len(raw)-n < 12 {
			raw = strings.TrimRight(raw[:n], `\`)
		}
		if plain := decode(raw); j.r.Text(plain) != plain {
			return // its end belongs to what was found, or its beginning does
		}
		if n := strings.LastIndexByte(raw, ' '); n >= 0 {
			j.i = j.show(j.i+1, j.i+1+n)
		}
	}
}

// show redacts the inside of a string, from from to to, and returns where it stopped: of a string that is longer than what
// may still be shown, it reads only as much as it takes to cut it safely.
func (j *jsonScan) show(from, to int) int {
	whole := to
	if room := max(j.limit-j.e.size(from), 0) + int(j.r.memory.longest.Load()) + 4096; to-from > room {
		to = from + room
		if n := strings.LastIndexByte(j.s[from:to], '\\'); n >= 0 && room-n < 12 { // not within an escape or a pair of them
			to = from + len(strings.TrimRight(j.s[from:from+n], `\`))
		}
	}
	raw := j.s[from:to]
	if strings.IndexByte(raw, '\\') < 0 {
		if shown := j.r.Text(raw); shown != raw {
			j.e.replace(j.s, from, to, shown)
		}
	} else if plain := decode(raw); j.r.Text(plain) != plain {
		j.e.replace(j.s, from, to, encode(j.r.Text(plain)))
	}
	j.short = j.short || to < whole
	return to
}
