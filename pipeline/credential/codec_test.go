package credential

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline/redact"
)

const (
	newKey = "the new key, of 32 random bytes…"
	oldKey = "the old key, of 32 random bytes…"
)

// codecOf returns a codec with the given keys.
func codecOf(keys ...string) *Codec {
	given, refs := map[string]string{}, []Ref{}
	for i, key := range keys {
		name := fmt.Sprint("KEY", i)
		given[name] = key
		refs = append(refs, Env(name))
	}
	return NewCodec(NewSecrets("", nil, byName(given), nil), refs...)
}

func codecRecord() Record {
	return Record{
		Generation: 7, Obtained: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC), Ended: StatusDead,
		Token: Token{Access: redact.NewSecret(canary + "\xff\x00"), Refresh: redact.NewSecret(canary + "-r"), Lifetime: time.Hour, Scopes: []string{"a", "b"}},
	}
}

// shown makes a record comparable, secrets included.
func shown(r Record) string {
	return fmt.Sprintf("%d %q %q %v %q %v %q", r.Generation, r.Token.Access.Reveal(), r.Token.Refresh.Reveal(), r.Token.Lifetime, r.Token.Scopes, r.Obtained, r.Ended)
}

func TestCodec(t *testing.T) {
	key := Key{"demo", "acme"}
	for _, tc := range []struct {
		name          string
		write, read   *Codec
		readAs        Key
		err           string // a part of the error; "" for success
		unreadable    bool
		plainIsStored bool
	}{
		{name: "plain", write: codecOf(), read: codecOf(), readAs: key, plainIsStored: true},
		{name: "sealed", write: codecOf(newKey), read: codecOf(newKey), readAs: key},
		{name: "first_key_seals", write: codecOf(newKey, oldKey), read: codecOf(newKey), readAs: key},
		{name: "every_key_opens", write: codecOf(oldKey), read: codecOf(newKey, oldKey), readAs: key},
		{name: "plain_is_read_though_there_are_keys", write: codecOf(), read: codecOf(newKey), readAs: key, plainIsStored: true},
		{name: "an_old_key_that_is_gone_does_not_hinder", write: codecOf(newKey), read: codecOf(newKey, ""), readAs: key},
		{name: "no_key", write: codecOf(newKey), read: codecOf(), readAs: key, err: "is sealed and no key is configured: name the key"},
		{name: "wrong_key", write: codecOf(newKey), read: codecOf(oldKey), readAs: key, err: "sealed with a key that encryption_keys does not hold: add the key"},
		{name: "the_key_can't_be_read", write: codecOf(newKey), read: codecOf(oldKey, ""), readAs: key, err: "mend the one that can't be used: encryption key: env KEY1 is empty"},
		{name: "another_subject", write: codecOf(newKey), read: codecOf(newKey), readAs: Key{"demo", "other"}, err: "sealed for another credential", unreadable: true},
		{name: "another_credential", write: codecOf(newKey), read: codecOf(newKey), readAs: Key{"demoacme", ""}, err: "sealed for another credential", unreadable: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b, err := tc.write.Encode(t.Context(), key, codecRecord())
			if err != nil {
				t.Fatal(err)
			}
			var stored kept
			if _ = json.Unmarshal(b, &stored); (len(stored.Access) > 0) != tc.plainIsStored || bytes.Contains(b, []byte("generation")) != tc.plainIsStored {
				t.Errorf("plain is stored: got %v, want %v", !tc.plainIsStored, tc.plainIsStored)
			}
			r, err := tc.read.Decode(t.Context(), tc.readAs, b)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) || errors.Is(err, ErrUnreadable) != tc.unreadable || strings.Contains(err.Error(), canary) {
					t.Fatalf("got %v, want an error with %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(shown(codecRecord()), shown(r)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCodec_seals_each_record_anew(t *testing.T) {
	c, key := codecOf(newKey), Key{"demo", ""}
	a, errA := c.Encode(t.Context(), key, codecRecord())
	b, errB := c.Encode(t.Context(), key, codecRecord())
	var first, second sealed
	if err := errors.Join(errA, errB, json.Unmarshal(a, &first), json.Unmarshal(b, &second)); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first.Salt, second.Salt) || bytes.Equal(first.Data, second.Data) || len(first.Salt) < 16 {
		t.Error("two seals of one record are alike")
	}
	if first.KeyID != second.KeyID {
		t.Error("one key has two identifiers")
	}
}

func TestCodec_refuses_what_is_damaged(t *testing.T) {
	key := Key{"demo", ""}
	for name, c := range map[string]*Codec{"plain": codecOf(), "sealed": codecOf(newKey)} {
		b, err := c.Encode(t.Context(), key, codecRecord())
		if err != nil {
			t.Fatal(err)
		}
		for n := range b {
			if _, err := c.Decode(t.Context(), key, b[:n]); !errors.Is(err, ErrUnreadable) {
				t.Fatalf("%s: the first %d of %d bytes: got %v, want ErrUnreadable", name, n, len(b), err)
			}
		}
		if name == "plain" {
			continue
		}
		var s sealed
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatal(err)
		}
		for i := range s.Data {
			s.Data[i] ^= 1
			flipped, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Decode(t.Context(), key, flipped); !errors.Is(err, ErrUnreadable) {
				t.Fatalf("bit of byte %d flipped: got %v", i, err)
			}
			s.Data[i] ^= 1
		}
	}
	newer := []byte(`{"v":2,"generation":1,"access":"` + canary + `"}`)
	if _, err := codecOf().Decode(t.Context(), key, newer); err == nil || errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), "a newer version wrote it") {
		t.Errorf("a newer format: got %v", err)
	}
	for _, text := range []string{``, `null`, `{}`, `[]`, `"x"`, `{"v":1}`, `{"v":1,"generation":1,"ended":"fresh"}`, `{"v":1,"generation":1,"lifetime":-1}`, canary} {
		if _, err := codecOf().Decode(t.Context(), key, []byte(text)); !errors.Is(err, ErrUnreadable) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestCodec_refuses_short_keys(t *testing.T) {
	short := "0123456789abcde"
	_, err := codecOf(short).Encode(t.Context(), Key{"demo", ""}, codecRecord())
	if err == nil || !strings.Contains(err.Error(), "encryption key env KEY0 is shorter than 16 bytes") || !strings.Contains(err.Error(), "openssl rand -base64 32") || strings.Contains(err.Error(), short) {
		t.Fatalf("got %v", err)
	}
	if _, err := codecOf(short+"f").Encode(t.Context(), Key{"demo", ""}, codecRecord()); err != nil {
		t.Fatalf("16 bytes: got %v", err)
	}
}

// The program's keys may change while it runs: a file is written anew, a variable of the host's is set.
func TestCodec_reads_keys_again_when_one_is_missing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		value, reads, key := oldKey, 0, Key{"demo", ""}
		c := NewCodec(NewSecrets("", nil, func(string, string) (string, bool) { reads++; return value, true }, nil), Env("KEY"))
		for range 3 {
			if _, err := c.Encode(t.Context(), key, codecRecord()); err != nil {
				t.Fatal(err)
			}
		}
		if reads != 1 {
			t.Fatalf("the key was read %d times, want once", reads)
		}
		b, err := codecOf(newKey).Encode(t.Context(), key, codecRecord())
		if err != nil {
			t.Fatal(err)
		}
		value = newKey
		if _, err := c.Decode(t.Context(), key, b); err == nil || reads != 1 {
			t.Fatalf("within a second: got %v after %d reads", err, reads)
		}
		time.Sleep(rereadKeys)
		if _, err := c.Decode(t.Context(), key, b); err != nil || reads != 2 {
			t.Fatalf("got %v after %d reads", err, reads)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := codecOf("").Encode(ended, key, codecRecord()); !errors.Is(err, context.Canceled) {
			t.Errorf("an ended context: got %v", err)
		}
	})
}

// FuzzCodec feeds bytes of any shape: each is a record that is written back as the same, or an error that holds nothing of them.
func FuzzCodec(f *testing.F) {
	key := Key{"demo", "acme"}
	codecs := []*Codec{codecOf(), codecOf(newKey, oldKey)}
	for _, c := range []*Codec{codecOf(), codecOf(newKey), codecOf(oldKey), codecOf(newKey + "x")} {
		b, err := c.Encode(f.Context(), key, codecRecord())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"v":1,"sealed":null}`))
	f.Add([]byte(`{"v":1,"key":"0123456789abcdef","salt":"","sealed":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range codecs {
			r, err := c.Decode(t.Context(), key, b)
			if err != nil {
				if shown(r) != shown(Record{}) || len(b) > 40 && strings.Contains(err.Error(), string(b[10:30])) {
					t.Fatalf("got a record or the bytes with error %v", err)
				}
				continue
			}
			again, err := c.Encode(t.Context(), key, r)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := c.Decode(t.Context(), key, again); err != nil || shown(back) != shown(r) {
				t.Fatalf("got %s and %v, want %s", shown(back), err, shown(r))
			}
		}
	})
}
