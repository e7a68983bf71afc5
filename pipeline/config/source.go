package config

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// source is the text of a file with a table of its lines. Offsets are bytes, after the byte order mark.
type source struct {
	name  string
	text  string
	lines []int // where each line starts
	ascii bool
}

// span is a range of bytes; one that ends at 0 is not in the file.
type span struct{ start, end int }

func (s span) known() bool { return s.end > 0 }

func newSource(name, text string) *source {
	s := &source{name: name, text: text, lines: []int{0}, ascii: true}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
		if text[i] >= utf8.RuneSelf {
			s.ascii = false
		}
	}
	return s
}

// line returns the index of the line that offset is on, and where that line starts and ends.
func (s *source) line(offset int) (index, start, end int) {
	index = sort.SearchInts(s.lines, offset+1) - 1
	start, end = s.lines[index], len(s.text)
	if index+1 < len(s.lines) {
		end = s.lines[index+1] - 1
	}
	if end > start && s.text[end-1] == '\r' {
		end--
	}
	return index, start, end
}

func (s *source) runes(start, end int) int {
	if s.ascii || end <= start {
		return max(0, end-start)
	}
	return utf8.RuneCountInString(s.text[start:end])
}

func (s *source) position(offset int) Position {
	index, start, end := s.line(offset)
	return Position{Line: index + 1, Column: s.runes(start, min(offset, end)) + 1}
}

// diagnostic points at sp, or at its first line where it has several.
func (s *source) diagnostic(sp span, path, message, hint string) Diagnostic {
	d := Diagnostic{File: s.name, Path: path, Message: message, Hint: hint}
	sp.start = s.runeStart(sp.start)
	_, start, end := s.line(sp.start)
	d.Position = s.position(sp.start)
	d.Length = max(1, s.runes(sp.start, min(sp.end, end)))
	d.Source = s.text[start:end]
	return d
}

// runeStart returns where the rune that offset lies in begins: the parser counts bytes, and may mean the last one of the file.
func (s *source) runeStart(offset int) int {
	for i := offset; i >= 0 && i > offset-utf8.UTFMax && i < len(s.text); i-- {
		if utf8.RuneStart(s.text[i]) {
			if _, size := utf8.DecodeRuneInString(s.text[i:]); i+size > offset {
				return i
			}
			break
		}
	}
	return offset
}

// inside returns the range of n runes that begins offset runes into the value of the string literal at sp. It follows escapes,
// line-ending backslashes and the newline that a multi-line string drops at its beginning.
func (s *source) inside(sp span, offset, n int) span {
	raw := s.text[sp.start:sp.end]
	i, end, basic := stringBody(raw)
	for ; offset > 0 && i < end; offset-- {
		i = nextRune(raw, skipFold(raw, i, end, basic), end, basic)
	}
	start := min(skipFold(raw, i, end, basic), end)
	for i = start; n > 0 && i < end; n-- {
		i = nextRune(raw, i, end, basic)
	}
	return span{sp.start + start, sp.start + max(min(i, end), start+1)}
}

// stringBody returns where the text between the quotes of a string literal begins and ends.
func stringBody(raw string) (start, end int, basic bool) {
	basic = strings.HasPrefix(raw, `"`)
	if len(raw) < 6 || !strings.HasPrefix(raw, `"""`) && !strings.HasPrefix(raw, `'''`) {
		return min(1, len(raw)), max(len(raw)-1, 0), basic
	}
	start = 3
	if strings.HasPrefix(raw[3:], "\r\n") {
		start = 5
	} else if raw[3] == '\n' {
		start = 4
	}
	return start, len(raw) - 3, basic
}

// skipFold steps over a backslash at the end of a line and the white space after it: they are not in the value.
func skipFold(raw string, i, end int, basic bool) int {
	for basic && i+1 < end && raw[i] == '\\' && strings.IndexByte(" \t\r\n", raw[i+1]) >= 0 {
		i++
		for i < end && strings.IndexByte(" \t\r\n", raw[i]) >= 0 {
			i++
		}
	}
	return i
}

func nextRune(raw string, i, end int, basic bool) int {
	if i >= end {
		return end
	}
	if basic && raw[i] == '\\' && i+1 < end {
		switch raw[i+1] {
		case 'x':
			return i + 4
		case 'u':
			return i + 6
		case 'U':
			return i + 10
		}
		return i + 2
	}
	_, size := utf8.DecodeRuneInString(raw[i:end])
	return i + size
}
