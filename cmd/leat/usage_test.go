package main

import (
	"strings"
	"testing"
)

func TestHeaderLine(t *testing.T) {
	for _, tc := range []struct{ line, name, value, want string }{
		{"X-Note: hello: world ", "X-Note", "hello: world", ""},
		{"X-Empty:", "X-Empty", "", ""},
		{"a!#$%&'*+-.^_`|~9: x", "a!#$%&'*+-.^_`|~9", "x", ""},
		{"no colon", "", "", "must be 'Name: value'"},
		{": x", "", "", "must be 'Name: value'"},
		{"Bad Header: canary", "", "", `"Bad Header"`},
		{"Größe: canary", "", "", `"Größe"`},
		{"(x): canary", "", "", `"(x)"`},
		{"X-Note: canary\r\nX-Other: 1", "", "", "-H X-Note: "},
		{"X-Note: canary\n", "", "", "-H X-Note: "},
		{"X-Note: canary\x00", "", "", "-H X-Note: "},
	} {
		name, value, err := headerLine(tc.line)
		if name != tc.name || value != tc.value || (err != nil) != (tc.want != "") {
			t.Errorf("%q: got %q, %q, %v", tc.line, name, value, err)
		}
		if err != nil && (!strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%q: error %q, want %q in it and no value", tc.line, err, tc.want)
		}
	}
}
