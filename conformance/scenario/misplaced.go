package scenario

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/leatdev/leat/pipeline/config"
)

var (
	ofTest     = regexp.MustCompile(`^test\[\d+\]\.((call|event|upstream)\[\d+\]|tokens\.[^.]+|(.+\.)?expect)$`)
	testExpect = regexp.MustCompile(`^test\[\d+\]\.expect$`)
)

// misplaced has each mistake whose key is right elsewhere say where: a key stands in the table above it, wherever it was meant to.
func misplaced(diags config.Diagnostics) config.Diagnostics {
	for i, d := range diags {
		dot := strings.LastIndexByte(d.Path, '.')
		switch {
		case d.Path == "test" && strings.HasPrefix(strings.TrimSpace(d.Source), "[[test."):
			diags[i].Hint = "a test begins with [[test]] and its name; [[test.call]] and its other tables follow"
		case dot < 0 || !strings.HasPrefix(d.Message, "unknown key "):
		default:
			if hint := home(d.Path[:dot], d.Path[dot+1:]); hint != "" {
				diags[i].Hint = hint
			}
		}
	}
	return diags
}

// home says where the key belongs that is unknown in table, "" if nobody knows.
func home(table, key string) string {
	switch {
	case testExpect.MatchString(table) && isKey[CallExpect](key):
		return "it is about one call: write it in [test.call.expect], below that [[test.call]]"
	case strings.HasSuffix(table, ".expect") && isKey[Expect](key):
		return "it is about all calls together: write it in [test.expect]"
	case ofTest.MatchString(table) && key != "name" && isKey[Test](key):
		return "it belongs to [[test]]: write it above the test's first [[test.call]] or other table"
	}
	return ""
}

// isKey reports whether tables of this type have the key.
func isKey[T any](key string) bool {
	for f := range reflect.TypeFor[T]().Fields() {
		if f.Tag.Get("toml") == key {
			return true
		}
	}
	return false
}
