package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// decodeJSON decodes data, which is one JSON value and nothing after it, into out. Its errors are *Error and quote no value of
// data.
func decodeJSON(resp *http.Response, data []byte, out any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	err := dec.Decode(out)
	if err == nil {
		if _, after := dec.Token(); after == io.EOF {
			return nil
		}
	}
	// Asked of the whole text, not of err: a type's own UnmarshalJSON may return a syntax error of something else.
	var whole json.RawMessage
	if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(data, &whole)); ok {
		return jsonError(resp, KindParse, data, "%s", describeSyntax(data, syntax))
	}
	var e *Error
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		sentence := describeMismatch(mismatch)
		e = jsonError(resp, KindValidation, data, "%s", sentence)
		e.Violations = []string{sentence}
	} else {
		e = jsonError(resp, KindValidation, data, "the JSON is no %s%s", strings.TrimPrefix(fmt.Sprintf("%T", out), "*"), describeRefusal(err))
	}
	e.Err = err
	return e
}

// describeSyntax says where data stops being one JSON value, and why.
func describeSyntax(data []byte, e *json.SyntaxError) string {
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return "a byte order mark stands before the JSON, which RFC 8259 §8.1 forbids"
	}
	if text := e.Error(); !strings.HasPrefix(text, "unexpected end") {
		return position(data, e.Offset) + ": " + text
	}
	return position(data, int64(len(data))+1) + ": the JSON ends too early"
}

// position writes where the nth byte, from 1, stands; columns count characters.
func position(data []byte, n int64) string {
	before := data[:min(max(n-1, 0), int64(len(data)))]
	line := 1 + bytes.Count(before, []byte{'\n'})
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return fmt.Sprintf("line %d, column %d (byte %d)", line, column, len(before)+1)
}

// describeMismatch says which field has what it must not; a number itself is not shown.
func describeMismatch(e *json.UnmarshalTypeError) string {
	got, _, number := strings.Cut(e.Value, " ")
	if number {
		got = "this number"
	}
	field := e.Field
	if field == "" {
		field = "the body"
	}
	return fmt.Sprintf("%s: %s can't be a Go %s", field, got, e.Type)
}

// describeRefusal adds what can be said of an error of a type's own UnmarshalJSON, whose text would show the value.
func describeRefusal(err error) string {
	if e, ok := errors.AsType[*time.ParseError](err); ok {
		return fmt.Sprintf(": a time must be written as %q", e.Layout)
	}
	return ""
}
