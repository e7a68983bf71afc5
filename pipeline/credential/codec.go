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
//
// Without keys a record is JSON that anybody can read. With keys it is sealed by AES-256-GCM, under a key that HKDF-SHA-256 derives from the
// first secret and a salt of the record's own; a sealed record opens only for the credential and subject that it was written for. Each
// of the keys opens, so that a key is changed by putting the new one first; a plain record is read as well, and sealed when it is
// next written. Whoever can write to the store, though, can put a plain record there.
//
// The keys are read when they are first needed, and again, at most once a second, when a record needs one that is not known.
type Codec struct {
	keys *keyring // nil without keys
}

// NewCodec returns a codec whose records the first of keys seals and all of them open; without keys they are plain. A key is a secret of at least
// 16 bytes, better of 32 random ones.
func NewCodec(secrets *Secrets, keys ...Ref) *Codec {
	if len(keys) == 0 {
		return &Codec{}
	}
	return &Codec{&keyring{secrets: secrets, refs: keys, reading: newTurn()}}
}

// ErrUnreadable is returned by Codec.Decode for bytes that are no record: cut short, damaged, or written for another credential or subject.
// Nobody can ever read them, unlike a record whose key is missing here.
var ErrUnreadable = errors.New("the stored record is not readable: it is damaged, or not leat's")

const keptVersion = 1

// kept is a record as stores keep it. Tokens are bytes, since not all are UTF-8.
type kept struct {
	Version    int           `json:"v"`
	Generation uint64        `json:"generation"`
	Access     []byte        `json:"access,omitempty"`
	Refresh    []byte        `json:"refresh,omitempty"`
	Lifetime   time.Duration `json:"lifetime,omitempty"` // in nanoseconds
	Scopes     []string      `json:"scopes,omitempty"`
	Obtained   time.Time     `json:"obtained"`
	Ended      Status        `json:"ended,omitempty"`
	Seed       string        `json:"seed,omitempty"`
}

// Encode returns the bytes of the record of key. It fails where the first encryption key can't be read or is too short.
func (c *Codec) Encode(ctx context.Context, key Key, r Record) ([]byte, error) {
	plain, err := json.Marshal(kept{
		keptVersion, r.Generation, []byte(r.Token.Access.Reveal()), []byte(r.Token.Refresh.Reveal()), r.Token.Lifetime, r.Token.Scopes, r.Obtained.UTC(), r.Ended,
		r.Token.seed,
	})
	if err != nil || c.keys == nil {
		return plain, err
	}
	return c.keys.seal(ctx, key, plain)
}

// Decode reads what Encode returned for the same key. Its errors hold nothing of b; they are ErrUnreadable where nothing but another record helps.
func (c *Codec) Decode(ctx context.Context, key Key, b []byte) (Record, error) {
	var head struct {
		Version int             `json:"v"`
		Sealed  json.RawMessage `json:"sealed"`
	}
	if json.Unmarshal(b, &head) != nil || head.Version == 0 {
		return Record{}, ErrUnreadable
	}
	if head.Version != keptVersion {
		return Record{}, fmt.Errorf("the stored record has format %d, this leat knows %d: a newer version wrote it, use that one", head.Version, keptVersion)
	}
	if head.Sealed == nil {
		return decodePlain(b)
	}
	if c.keys == nil {
		return Record{}, errors.New("the stored record is sealed and no key is configured: name the key that sealed it in the store's encryption_keys")
	}
	plain, err := c.keys.open(ctx, key, b)
	if err != nil {
		return Record{}, err
	}
	return decodePlain(plain)
}

func decodePlain(b []byte) (Record, error) {
	var k kept
	if json.Unmarshal(b, &k) != nil || k.Version != keptVersion || k.Generation == 0 || k.Lifetime < 0 {
		return Record{}, ErrUnreadable
	}
	if k.Ended != "" && k.Ended != StatusDead && k.Ended != StatusClosed {
		return Record{}, ErrUnreadable
	}
	t := Token{Access: redact.NewSecret(string(k.Access)), Refresh: redact.NewSecret(string(k.Refresh)), Lifetime: k.Lifetime, Scopes: k.Scopes, seed: k.Seed}
	return Record{Generation: k.Generation, Token: t, Obtained: k.Obtained, Ended: k.Ended}, nil
}
