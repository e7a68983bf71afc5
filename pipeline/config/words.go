package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// noun names a node's kind: "a table".
func (n *node) noun() string {
	switch n.kind {
	case table:
		return "a table"
	case array:
		return "an array"
	}
	switch n.value.(type) {
	case string:
		return "a string"
	case int64:
		return "an integer"
	case float64:
		return "a number"
	case bool:
		return "a boolean"
	}
	return "a date or time"
}

// found names a node with its value: "the integer 5". A string from outside the file may be a secret that went astray.
func (n *node) found() string {
	if n.kind != scalar {
		return n.noun()
	}
	switch v := n.value.(type) {
	case string:
		if n.outside() {
			return n.noun()
		}
		return "the string " + strconv.Quote(clip(v))
	case int64:
		return fmt.Sprintf("the integer %d", v)
	case float64:
		return "the number " + strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return fmt.Sprintf("the boolean %t", v)
	}
	return n.noun()
}

func clip(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// words writes a scalar as the elements of an array would be: a text with blanks in it was meant for several.
func (n *node) words() string {
	text, ok := n.value.(string)
	words := strings.Fields(text)
	if !ok || len(words) < 2 {
		return n.literal()
	}
	for i, w := range words {
		words[i] = strconv.Quote(clip(w))
	}
	return strings.Join(words, ", ")
}

// literal writes a scalar as the file would.
func (n *node) literal() string {
	switch v := n.value.(type) {
	case string:
		return strconv.Quote(clip(v))
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(n.value)
}
