package idempotencykey

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"github.com/leatdev/leat/pipeline"
)

// newKey returns a random UUID, version 4 (RFC 9562 §5.4). It is not drawn by Settings.Random: two calls with one key would be one
// call to the server.
func newKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var text [36]byte
	at := 0
	for i, end := range [...]int{4, 6, 8, 10, 16} {
		if i > 0 {
			text[at] = '-'
			at++
		}
		begin := [...]int{0, 4, 6, 8, 10}[i]
		at += hex.Encode(text[at:], b[begin:end])
	}
	return string(text[:])
}

// write returns the value of the header that carries key.
func (f Format) write(key string) (string, error) {
	for i := range len(key) {
		if b := key[i]; b < ' ' || b == 0x7f || f == FormatQuoted && b > 0x7f {
			return "", pipeline.Errorf(pipeline.KindPolicy, "the call's idempotency key holds a character that no %s header value can carry, at byte %d", f, i)
		}
	}
	if f != FormatQuoted {
		return key, nil
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`, nil
}
