package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// json compares a JSON text with the members that it must have.
func (j *judge) json(at place, what string, want any, got []byte) {
	if want == nil {
		return
	}
	v, err := readJSON(got)
	if err != nil {
		j.fail(at, what, "JSON", fmt.Sprintf("%q", clip(string(got))))
		return
	}
	if path, w, g := differ(plainJSON(want), v, ""); w != "" {
		j.fail(at, strings.TrimSpace(what+" "+path), w, g)
	}
}

// plainJSON is a value of the test file as encoding/json would read it.
func plainJSON(v any) any {
	text, _ := json.Marshal(v) // was checked
	out, _ := readJSON(text)
	return out
}

// readJSON reads one value; numbers stay as they are written.
func readJSON(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err = d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows")
	}
	return v, nil
}

// sameNumber compares 1, 1.0 and 1e0 as equal, and large integers to the last digit.
func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	if _, err := a.Int64(); err == nil {
		if _, err := b.Int64(); err == nil {
			return false
		}
	}
	x, aerr := a.Float64()
	y, berr := b.Float64()
	return aerr == nil && berr == nil && x == y
}

// differ finds the first place where got lacks what is wanted. Objects may have further members, lists may not.
func differ(want, got any, path string) (at, w, g string) {
	show := func(v any) string { b, _ := json.Marshal(v); return clip(string(b)) } //nolint:errchkjson // it was JSON
	switch want := want.(type) {
	case map[string]any:
		obj, ok := got.(map[string]any)
		if !ok {
			return path, show(want), show(got)
		}
		for _, k := range keys(want) {
			v, present := obj[k]
			if !present {
				return path, "a member " + k, show(got)
			}
			if at, w, g := differ(want[k], v, strings.TrimPrefix(path+"."+k, ".")); w != "" {
				return at, w, g
			}
		}
		return "", "", ""
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return path, show(want), show(got)
		}
		for i := range want {
			if at, w, g := differ(want[i], list[i], fmt.Sprintf("%s[%d]", path, i)); w != "" {
				return at, w, g
			}
		}
		return "", "", ""
	case json.Number:
		if n, ok := got.(json.Number); ok && sameNumber(want, n) {
			return "", "", ""
		}
	}
	if want != got {
		return path, show(want), show(got)
	}
	return "", "", ""
}

func clip(s string) string {
	if len(s) > 500 {
		return s[:500] + "…"
	}
	return s
}
