package scenario

// Values are the values of a header: "one", or ["one", "two"].
type Values []string

// UnmarshalConfig reads a string or a list of strings.
func (v *Values) UnmarshalConfig(value any) error {
	list, err := several("", value)
	*v = list
	return err
}

// Words say what happens one after the other: a word for each time, or a list of words, after which comes "ok".
type Words struct {
	list []string
	each bool
}

// UnmarshalConfig reads a string or a list of strings.
func (w *Words) UnmarshalConfig(value any) (err error) {
	w.list, err = several("", value)
	_, w.each = value.(string)
	return err
}

// word is what happens the nth time, from 0.
func (w Words) word(n int) string {
	switch {
	case w.each:
		return w.list[0]
	case n < len(w.list):
		return w.list[n]
	}
	return "ok"
}

// Draws are numbers from 0 to 1: 0.5, or [0, 0.5].
type Draws []float64

// orMiddle returns the draws of a test that names none: the middle, always.
func (d Draws) orMiddle() Draws {
	if d == nil {
		return Draws{0.5}
	}
	return d
}

// UnmarshalConfig reads a number or a list of numbers.
func (d *Draws) UnmarshalConfig(value any) error {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	for _, v := range list {
		f, isFloat := v.(float64)
		if n, isInt := v.(int64); isInt {
			f, isFloat = float64(n), true
		}
		if !isFloat || !(f >= 0 && f <= 1) { // NaN is not
			return mistake("", "write 0.5, or a list of such numbers", "expected a number from 0 to 1, found %s", noun(v))
		}
		*d = append(*d, min(f, 1-1e-9)) // what is drawn is below 1
	}
	if len(*d) == 0 {
		return mistake("", "", "an empty list draws nothing")
	}
	return nil
}
