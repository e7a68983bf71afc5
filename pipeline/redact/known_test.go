package redact_test

import (
	"testing"

	"github.com/leatdev/leat/pipeline/redact"
)

func TestKnown(t *testing.T) {
	r := redact.New(redact.Rules{})
	const text = "token: missing, Basic dXNlcjpwYXNz of hunter2-and-more"
	if got := r.Known(text); got != text {
		t.Errorf("nothing was learnt: got %q, want %q", got, text)
	}
	r.Learn(redact.NewSecret("hunter2-and-more"))
	if got, want := r.Known(text), "token: missing, Basic dXNlcjpwYXNz of "+redact.Mask; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
