package redisstore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
)

// Names in Redis are hashes, so that slow logs, MONITOR, metrics and backups' listings show no subject. The name itself is beside
// the token, and sealed like it where the file gives a key. Who holds a list of subjects can still find out which of them are there.

// tag names a session: 132 bits of a hash. In braces it decides the cluster's slot, so that record and lease are on one node.
func tag(key credential.Key) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(key.Credential), key.Credential, key.Subject))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:22]
}

func (s *store) recordKey(tag string) string { return s.config.Prefix + "{" + tag + "}" + recordSuffix }
func (s *store) leaseKey(tag string) string  { return s.config.Prefix + "{" + tag + "}:lease" }
func (s *store) channel() string             { return s.config.Prefix + "changes" }

const recordSuffix = ":record"

// nameKey is no session's: it binds what is sealed for it to being a name.
var nameKey = credential.Key{Credential: "\x00name"}

// sealName returns the key's name as it is kept beside the record. The codec seals records only, so the name travels as one: its
// tokens are what may hold any bytes.
func (s *store) sealName(ctx context.Context, key credential.Key) ([]byte, error) {
	name := credential.Token{Access: redact.NewSecret(key.Credential), Refresh: redact.NewSecret(key.Subject)}
	return s.codec.Encode(ctx, nameKey, credential.Record{Generation: 1, Token: name})
}

// openName is the way back; it accepts only the name that belongs to the tag.
func (s *store) openName(ctx context.Context, tagged string, sealed []byte) (credential.Key, error) {
	r, err := s.codec.Decode(ctx, nameKey, sealed)
	if err != nil {
		return credential.Key{}, err
	}
	key := credential.Key{Credential: r.Token.Access.Reveal(), Subject: r.Token.Refresh.Reveal()}
	if tag(key) != tagged {
		return credential.Key{}, fmt.Errorf("the name beside record %s belongs to another", tagged)
	}
	return key, nil
}

// message is what the channel carries: the tag, and after a change the sealed name.
func message(tag string, sealed []byte) string {
	return tag + " " + base64.RawStdEncoding.EncodeToString(sealed)
}

func parseMessage(s string) (tag string, sealed []byte, err error) {
	tag, text, _ := strings.Cut(s, " ")
	sealed, err = base64.RawStdEncoding.DecodeString(text)
	return tag, sealed, err
}
