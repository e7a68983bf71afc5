package cond

// Error is an expression that does not compile, or that failed while it ran. Its text names no Go type and holds no data
// of the exchange.
type Error struct {
	message string
	hint    string
	offset  int
	length  int
}

// Error says what is wrong, in one line.
func (e *Error) Error() string { return e.message }

// Offset is where in the expression's text it is wrong, in runes from 0. It can be just past the end.
func (e *Error) Offset() int { return e.offset }

// Length is how many runes are wrong there; at least 1.
func (e *Error) Length() int { return max(e.length, 1) }

// Hint says what to do about it, or is "".
func (e *Error) Hint() string { return e.hint }
