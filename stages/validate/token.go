package validate

import "strings"

// str reads a string; it returns it in its quotes, and whether it holds no escapes.
func (s *scanner) str() (quoted []byte, plain, ok bool) {
	from := s.pos
	plain = true
	for i := from + 1; i < len(s.src); i++ {
		switch c := s.src[i]; {
		case c == '"':
			s.pos = i + 1
			return s.src[from : i+1], plain, true
		case c == '\\':
			plain = false
			s.pos = i
			if !s.escape() {
				return nil, false, false
			}
			i = s.pos - 1
		case c < ' ':
			s.pos = i
			return nil, false, s.fail("a control character must be escaped in a string")
		}
	}
	s.pos = len(s.src)
	return nil, false, s.fail("the JSON ends within a string")
}

func (s *scanner) escape() bool {
	s.pos++
	if s.pos == len(s.src) {
		return s.fail("the JSON ends within a string")
	}
	switch s.src[s.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return true
	case 'u':
		s.pos++
		for range 4 {
			if s.pos == len(s.src) {
				return s.fail("the JSON ends within a string")
			}
			if strings.IndexByte("0123456789abcdefABCDEF", s.src[s.pos]) < 0 {
				return s.fail("four hexadecimal digits must follow \\u")
			}
			s.pos++
		}
		return true
	}
	return s.fail("no such escape in a string")
}

func (s *scanner) number() bool {
	if s.src[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.src) && s.src[s.pos] == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.pos < len(s.src) && s.src[s.pos] == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if s.pos < len(s.src) && s.src[s.pos]|0x20 == 'e' {
		s.pos++
		if s.pos < len(s.src) && (s.src[s.pos] == '+' || s.src[s.pos] == '-') {
			s.pos++
		}
		return s.digits()
	}
	return true
}

// digits reads one digit at least.
func (s *scanner) digits() bool {
	from := s.pos
	for s.pos < len(s.src) && s.src[s.pos]-'0' <= 9 {
		s.pos++
	}
	return s.pos > from || s.failAt("a digit must stand here")
}

func (s *scanner) word(w string) bool {
	for i := range len(w) {
		if s.pos == len(s.src) {
			return s.fail("the JSON ends too early")
		}
		if s.src[s.pos] != w[i] {
			s.literal = w
			return s.fail("here must stand ")
		}
		s.pos++
	}
	return true
}
