package scenario

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// headers refuses names and values that HTTP has none of, and names that differ in case alone.
func headers[V any](at string, header map[string]V) error {
	seen := map[string]bool{}
	for _, name := range keys(header) {
		where, canonical := at+"."+strconv.Quote(name), http.CanonicalHeaderKey(name)
		if !httpguts.ValidHeaderFieldName(name) {
			return mistake(where, "write letters, digits and -", "no header has the name %q", name)
		}
		if seen[canonical] {
			return mistake(where, "several values of one header are a list", "%s stands here twice", canonical)
		}
		seen[canonical] = true
		values, _ := any(header[name]).(Values)
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return mistake(where, "", "no header has this value")
			}
		}
	}
	return nil
}

// headerNames refuses names that HTTP has none of, and a list that holds none.
func headerNames(at string, names []string) error {
	for i, name := range names {
		if !httpguts.ValidHeaderFieldName(name) {
			return mistake(at+index(i), "write letters, digits and -", "no header has the name %q", name)
		}
	}
	return empty(at, names != nil && len(names) == 0)
}

// validJSON refuses numbers that TOML can write and JSON can not.
func validJSON(at string, v any) error {
	_, err := json.Marshal(v)
	return refuse(err != nil, at, "JSON has neither nan nor inf", "")
}

// empty refuses a list or table that looks like an expectation and is none.
func empty(at string, is bool) error {
	hint := "remove it"
	switch at {
	case "logs", "spans", "record":
		hint = "count = 0 says what must not be there"
	}
	return refuse(is, at, "nothing is expected here", hint)
}

func isToken(method string) bool { return httpguts.ValidHeaderFieldName(method) } // RFC 9110: both are tokens

func isURL(ref string) bool {
	_, err := url.Parse(ref)
	return err == nil && !strings.ContainsAny(ref, " \t")
}
