package validate

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// explain says where the text stopped being JSON, and why. Line, column (in characters) and byte count from 1; at the end of
// the text they are those of what is missing. It shows nothing of the text.
func (s *scanner) explain() string {
	before := s.src[:s.pos]
	line := 1 + bytes.Count(before, []byte{'\n'})
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return fmt.Sprintf("line %d, column %d (byte %d): %s%s", line, column, s.pos+1, s.problem, s.literal)
}

// encodingProblem says what is wrong with a text that does not even begin as JSON in UTF-8 can.
func encodingProblem(src []byte) string {
	switch {
	case bytes.HasPrefix(src, []byte("\xef\xbb\xbf")):
		return "a byte order mark stands before the JSON, which RFC 8259 §8.1 forbids"
	case bytes.HasPrefix(src, []byte("\xfe\xff")), bytes.HasPrefix(src, []byte("\xff\xfe")), src[0] == 0, len(src) > 1 && src[1] == 0:
		return "the body looks like UTF-16 or UTF-32; JSON is UTF-8 (RFC 8259 §8.1)"
	}
	return "a value must stand here"
}
