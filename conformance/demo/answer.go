package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// answer writes v as JSON with the given status.
func answer(w http.ResponseWriter, status int, v any) {
	answerAs(w, status, "application/json", v)
}

func answerAs(w http.ResponseWriter, status int, contentType string, v any) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("demo: an answer that is not JSON: %v", err))
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes())
}

// problem is an RFC 9457 problem detail; extension members stand beside the standard ones.
type problem map[string]any

// answerProblem writes a problem of type about:blank, with the status's own words as its title.
func answerProblem(w http.ResponseWriter, status int, detail string) {
	answerAs(w, status, "application/problem+json", problem{
		"title": http.StatusText(status), "status": status, "detail": detail,
	})
}

// readBody returns the request's body, or answers 413 or 400 and returns false.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	if r.Body == nil {
		return nil, true
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		answerBadBody(w, err)
		return nil, false
	}
	return body, true
}

// readJSON decodes the request's body into v, or answers 413 or 400 and returns false.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	body, ok := readBody(w, r)
	if !ok {
		return false
	}
	if err := json.Unmarshal(body, v); err != nil {
		answerProblem(w, http.StatusBadRequest, "the body is not the JSON that this route needs")
		return false
	}
	return true
}

func answerBadBody(w http.ResponseWriter, err error) {
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		answerProblem(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit))
		return
	}
	answerProblem(w, http.StatusBadRequest, "the body could not be read")
}
