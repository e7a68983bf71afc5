package vectors_test

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"testing"
	"time"
	"unicode/utf8"
)

// millis is a duration as the files write it: whole milliseconds, and never for the longest that there is.
type millis int64

// never is 2⁶³-1 nanoseconds, some 292 years.
const never millis = math.MaxInt64 / 1_000_000

func (m millis) duration() time.Duration {
	if m >= never {
		return math.MaxInt64
	}
	return time.Duration(m) * time.Millisecond
}

// inMillis converts d. An input that leads to a fraction is a bad example for other languages.
func inMillis(t *testing.T, d time.Duration) millis {
	t.Helper()
	if d == math.MaxInt64 {
		return never
	}
	if d%time.Millisecond != 0 {
		t.Errorf("%s is no whole number of milliseconds: choose another input", d)
	}
	return millis(d / time.Millisecond)
}

// payload is the bytes of a body: a text, or {"base64": "…"} where they are not UTF-8.
type payload string

// MarshalJSON implements json.Marshaler.
func (p payload) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(p)) {
		return json.Marshal(string(p))
	}
	return json.Marshal(map[string]string{"base64": base64.StdEncoding.EncodeToString([]byte(p))})
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *payload) UnmarshalJSON(text []byte) error {
	var coded struct{ Base64 []byte }
	if err := json.Unmarshal(text, &coded); err == nil {
		*p = payload(coded.Base64)
		return nil
	}
	return json.Unmarshal(text, (*string)(p))
}
