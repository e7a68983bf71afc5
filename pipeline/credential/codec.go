package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// Codec turns records into the bytes that a store keeps, and back. It is safe for concurrent use.
type Codec struct {
	secrets *Secrets
	keys    []Ref
}

// NewCodec returns a codec whose records the first of keys seals and all of them open; without keys they are plain.
func NewCodec(secrets *Secrets, keys ...Ref) *Codec { return &Codec{secrets, keys} }

// kept is a record as stores keep it.
type kept struct {
	Version    int           `json:"v"`
	Generation uint64        `json:"generation"`
	Access     string        `json:"access,omitempty"`
	Refresh    string        `json:"refresh,omitempty"`
	Lifetime   time.Duration `json:"lifetime,omitempty"`
	Scopes     []string      `json:"scopes,omitempty"`
	Obtained   time.Time     `json:"obtained"`
	Ended      Status        `json:"ended,omitempty"`
}

// Encode returns the bytes of the record of key.
func (c *Codec) Encode(_ context.Context, _ Key, r Record) ([]byte, error) {
	return json.Marshal(kept{1, r.Generation, r.Token.Access.Reveal(), r.Token.Refresh.Reveal(), r.Token.Lifetime, r.Token.Scopes, r.Obtained, r.Ended})
}

// Decode reads what Encode returned for the same key. Its errors hold nothing of b.
func (c *Codec) Decode(_ context.Context, _ Key, b []byte) (Record, error) {
	var k kept
	if json.Unmarshal(b, &k) != nil {
		return Record{}, errors.New("the stored record is not readable")
	}
	if k.Version != 1 {
		return Record{}, fmt.Errorf("the stored record has format %d: a newer version of leat wrote it", k.Version)
	}
	t := Token{Access: redact.NewSecret(k.Access), Refresh: redact.NewSecret(k.Refresh), Lifetime: k.Lifetime, Scopes: k.Scopes}
	return Record{Generation: k.Generation, Token: t, Obtained: k.Obtained, Ended: k.Ended}, nil
}
