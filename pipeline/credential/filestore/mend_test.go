package filestore

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/leatdev/leat/pipeline/credential"
)

// TestStore_puts_aside_what_cannot_be_read: a damaged file stops nobody, is kept, and is told of.
func TestStore_puts_aside_what_cannot_be_read(t *testing.T) {
	s := open(t, t.TempDir()+"/tokens", nil)
	save(t, s, 0)
	f := s.files(demo)
	whole, err := os.ReadFile(f.record)
	if err != nil {
		t.Fatal(err)
	}
	other := content(credential.Key{Credential: "other"}, whole[bytes.IndexByte(whole, '\n')+1:])
	for name, damaged := range map[string][]byte{
		"empty": {}, "garbage": []byte(canary), "half": whole[:len(whole)/2], "without_its_end": whole[:len(whole)-10], "head_alone": whole[:bytes.IndexByte(whole, '\n')+1],
		"of_another_credential": other, "large": bytes.Repeat([]byte("x"), maxRecord+1), "zeroes": make([]byte, len(whole)),
	} {
		for how, use := range map[string]func(*Store) error{
			"lease": func(s *Store) error {
				l, r, err := s.Lease(t.Context(), demo, 1)
				if l == nil || r.Generation != 0 {
					t.Fatalf("got turn %v, generation %d, error %v, want a turn and no record", l != nil, r.Generation, err)
				}
				l.Release()
				return s.Save(t.Context(), demo, 0, record(1))
			},
			"save": func(s *Store) error {
				if err := s.Save(t.Context(), demo, 1, record(2)); !errors.Is(err, credential.ErrConflict) {
					t.Errorf("got %v, want ErrConflict: what it replaces is gone", err)
				}
				return s.Save(t.Context(), demo, 0, record(1))
			},
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				var log bytes.Buffer
				s := open(t, t.TempDir()+"/tokens", nil)
				s.logger = slog.New(slog.NewTextHandler(&log, nil))
				save(t, s, 0)
				f := s.files(demo)
				if err := os.WriteFile(f.record, damaged, 0o600); err != nil {
					t.Fatal(err)
				}
				_, err := s.Load(t.Context(), demo)
				wantError(t, err, f.record, "is not readable")
				if err := use(s); err != nil {
					t.Fatal(err)
				}
				wantGeneration(t, s, 1)
				if kept, err := os.ReadFile(f.unreadable); err != nil || !bytes.Equal(kept, damaged) {
					t.Errorf("it is not kept: %v", err)
				}
				if got := log.String(); !strings.Contains(got, f.unreadable) || strings.Count(got, "level=ERROR") != 1 || strings.Contains(got, canary) {
					t.Errorf("the log says %q", got)
				}
			})
		}
	}
}

// TestStore_leaves_alone_what_it_may_not_read: a record is not lost because a key is missing here, or because this leat is old.
func TestStore_leaves_alone_what_it_may_not_read(t *testing.T) {
	dir := t.TempDir() + "/tokens"
	save(t, open(t, dir, sealing("a")), 0)
	for name, tc := range map[string]struct {
		codec *credential.Codec
		says  string
	}{
		"no_key":    {nil, "no key is configured: name the key that sealed it in the store's encryption_keys"},
		"wrong_key": {sealing("b"), "encryption_keys does not hold: add the key"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, dir, tc.codec)
			_, err := s.Load(t.Context(), demo)
			wantError(t, err, s.files(demo).record, tc.says)
			for range 2 {
				_, _, err = s.Lease(t.Context(), demo, 0)
				wantError(t, err, tc.says)
			}
			wantError(t, s.Save(t.Context(), demo, 0, record(1)), tc.says)
			if holder, err := s.Holder(t.Context(), demo); holder != "" || err != nil {
				t.Errorf("the turn stays with %q (%v)", holder, err)
			}
		})
	}
	wantGeneration(t, open(t, dir, sealing("b", "a")), 1)
}

func TestStore_seals_a_plain_record_when_it_is_next_written(t *testing.T) {
	dir := t.TempDir() + "/tokens"
	save(t, open(t, dir, nil), 0)
	s := open(t, dir, sealing("a"))
	wantGeneration(t, s, 1)
	save(t, s, 1)
	wantGeneration(t, s, 2)
	if _, err := open(t, dir, nil).Load(t.Context(), demo); err == nil {
		t.Error("the record is still plain")
	}
}

// TestStore_puts_in_order_what_a_killed_writer_left: a complete newer record takes its place, anything else goes.
func TestStore_puts_in_order_what_a_killed_writer_left(t *testing.T) {
	encode := func(generation uint64) []byte {
		b, err := credential.NewCodec(nil).Encode(t.Context(), demo, record(generation))
		if err != nil {
			t.Fatal(err)
		}
		return content(demo, b)
	}
	for name, tc := range map[string]struct {
		left []byte
		want uint64
	}{
		"newer": {encode(9), 9}, "older": {encode(4), 5}, "the_same": {encode(5), 5}, "half": {encode(9)[:50], 5}, "empty": {nil, 5},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir()+"/tokens", nil)
			if err := s.Save(t.Context(), demo, 0, record(5)); err != nil {
				t.Fatal(err)
			}
			f := s.files(demo)
			if err := os.WriteFile(f.temp, tc.left, 0o600); err != nil {
				t.Fatal(err)
			}
			wantGeneration(t, s, 5) // Load takes no lock, so it moves nothing
			l, r, err := s.Lease(t.Context(), demo, 5)
			if err != nil || (l == nil) != (tc.want != 5) || r.Generation != tc.want {
				t.Fatalf("got turn %v, generation %d, error %v; want generation %d", l != nil, r.Generation, err, tc.want)
			}
			if l != nil {
				l.Release()
			}
			wantGeneration(t, s, tc.want)
			if _, err := os.Lstat(f.temp); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("it is still there: %v", err)
			}
			save(t, s, tc.want)
		})
	}
}
