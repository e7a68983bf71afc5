package host

import (
	"log/slog"
	"testing"

	"github.com/leatdev/leat/pipeline/redact"
)

// What Node writes as it ends is many lines, of which the first say what was wrong.
func TestLastWords(t *testing.T) {
	l := &launch{logs: newLogs("p", slog.New(slog.DiscardHandler), redact.New(redact.Rules{}))}
	_, _ = l.last.Write([]byte("file:///app/token.js:3\nSyntaxError: Unexpected end of input\n    at compileSourceTextModule (node:internal:1)\n    at async link (node:internal:2)\n\nNode.js v20.20.2\n"))
	if got, want := l.lastWords(), `; its last words: "file:///app/token.js:3", "SyntaxError: Unexpected end of input"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
