package credential

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// The info strings of HKDF (RFC 5869) bind what is derived to its use; a change of either is a new format.
const (
	recordInfo = "leat store record 1"
	keyIDInfo  = "leat store key id 1"
	minKey     = 16 // bytes
	keyAdvice  = "make one with: openssl rand -base64 32"
	rereadKeys = time.Second
)

// sealed is a record as stores keep it where there are keys.
type sealed struct {
	Version int    `json:"v"`
	KeyID   string `json:"key"`  // says which key sealed, and nothing else of it
	Salt    []byte `json:"salt"` // random, so that each record has a key of its own
	Data    []byte `json:"sealed"`
}

// keyring holds the keys of one store once they are read.
type keyring struct {
	secrets *Secrets
	refs    []Ref

	reading turn // guards what follows
	known   []ringKey
	read    time.Time
}

// ringKey is one key, or why there is none.
type ringKey struct {
	secret redact.Secret
	id     string
	err    error
}

// seal encrypts plain by the first key, for the record of key alone.
func (k *keyring) seal(ctx context.Context, key Key, plain []byte) ([]byte, error) {
	keys, err := k.get(ctx, func(keys []ringKey) bool { return keys[0].err == nil })
	if err != nil {
		return nil, err
	}
	first := keys[0]
	if first.err != nil {
		return nil, first.err
	}
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	gcm, err := first.cipher(salt)
	if err != nil {
		return nil, err
	}
	return json.Marshal(sealed{keptVersion, first.id, salt, gcm.Seal(nil, nil, plain, bound(key))}) //nolint:gosec // no nonce is given: it makes one
}

// open decrypts what seal returned for the same key, by whichever key sealed it.
func (k *keyring) open(ctx context.Context, key Key, b []byte) ([]byte, error) {
	var s sealed
	if json.Unmarshal(b, &s) != nil || len(s.KeyID) != 16 {
		return nil, ErrUnreadable
	}
	fits := func(keys []ringKey) int {
		for i, key := range keys {
			if key.err == nil && key.id == s.KeyID {
				return i
			}
		}
		return -1
	}
	keys, err := k.get(ctx, func(keys []ringKey) bool { return fits(keys) >= 0 })
	if err != nil {
		return nil, err
	}
	n := fits(keys)
	if n < 0 {
		return nil, k.missing(keys)
	}
	gcm, err := keys[n].cipher(s.Salt)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nil, s.Data, bound(key))
	if err != nil {
		return nil, fmt.Errorf("%w: it was changed, or sealed for another credential or subject", ErrUnreadable)
	}
	return plain, nil
}

// missing says why no key opens.
func (k *keyring) missing(keys []ringKey) error {
	text := "the stored record is sealed with a key that encryption_keys does not hold: add the key that sealed it, after the first one"
	var errs []error
	for _, key := range keys {
		errs = append(errs, key.err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s, or mend the one that can't be used: %w", text, err)
	}
	return errors.New(text)
}

// get returns the keys, read anew where those that are known will not do.
func (k *keyring) get(ctx context.Context, will func([]ringKey) bool) ([]ringKey, error) {
	if err := k.reading.take(ctx); err != nil {
		return nil, err
	}
	defer k.reading.give()
	if k.known != nil && (will(k.known) || time.Since(k.read) < rereadKeys) {
		return k.known, nil
	}
	keys := make([]ringKey, len(k.refs))
	for i, ref := range k.refs {
		keys[i] = newRingKey(ctx, k.secrets, ref)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err // what was cut short says nothing about the keys
	}
	k.known, k.read = keys, time.Now()
	return keys, nil
}

func newRingKey(ctx context.Context, secrets *Secrets, ref Ref) ringKey {
	secret, err := secrets.Resolve(ctx, ref)
	if err != nil {
		return ringKey{err: fmt.Errorf("encryption key: %w", err)}
	}
	if len(secret.Reveal()) < minKey {
		return ringKey{err: fmt.Errorf("encryption key %v is shorter than %d bytes: %s", ref, minKey, keyAdvice)}
	}
	id, err := hkdf.Key(sha256.New, []byte(secret.Reveal()), nil, keyIDInfo, 8)
	if err != nil {
		return ringKey{err: fmt.Errorf("encryption key %v: %w", ref, err)}
	}
	return ringKey{secret: secret, id: fmt.Sprintf("%x", id)}
}

// cipher returns the AEAD of one record; it makes a random nonce and keeps it before the ciphertext.
func (k ringKey) cipher(salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(k.secret.Reveal()), salt, recordInfo, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// bound is the additional data of a key: lengths keep ("a", "bc") and ("ab", "c") apart.
func bound(key Key) []byte {
	b := []byte(recordInfo)
	for _, s := range []string{key.Credential, key.Subject} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}
