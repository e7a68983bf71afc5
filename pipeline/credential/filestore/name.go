package filestore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/leatdev/leat/pipeline/credential"
)

const (
	recordSuffix     = ".token"
	tempSuffix       = ".tmp"
	turnSuffix       = ".lock"
	unreadableSuffix = ".unreadable"
	readablePart     = 24 // bytes of each name
	fileHead         = "leat-token 1 "
	shards           = 16
)

// files are where one key's things are.
type files struct {
	key                            credential.Key
	record, temp, turn, unreadable string
	shard                          int
}

func (s *Store) files(key credential.Key) files {
	var id []byte
	for _, part := range []string{key.Credential, key.Subject} {
		id = append(binary.AppendUvarint(id, uint64(len(part))), part...)
	}
	sum := sha256.Sum256(id)
	name := readable(key.Credential)
	if key.Subject != "" {
		name += "+" + readable(key.Subject)
	}
	base := filepath.Join(s.dir, name+"-"+hex.EncodeToString(sum[:16]))
	return files{key, base + recordSuffix, base + tempSuffix, base + turnSuffix, base + unreadableSuffix, int(sum[0]) % shards}
}

// shardLock is the lock under which records of the shard are compared and written.
func (s *Store) shardLock(shard int) string {
	return filepath.Join(s.dir, fmt.Sprintf("save-%02d.lock", shard))
}

// readable keeps of a name what every file system takes.
func readable(name string) string {
	safe := func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return r
		}
		return '_'
	}
	name = strings.Map(safe, name)
	return name[:min(len(name), readablePart)]
}

// content is what a record's file holds: a line that says whose it is, then the codec's bytes.
func content(key credential.Key, record []byte) []byte {
	head := fileHead + strconv.QuoteToASCII(key.Credential) + " " + strconv.QuoteToASCII(key.Subject) + "\n"
	return append(append([]byte(head), record...), '\n')
}

// split undoes content; ok is false for a file of another make.
func split(b []byte) (key credential.Key, record []byte, ok bool) {
	line, record, ok := bytes.Cut(b, []byte("\n"))
	names, ours := strings.CutPrefix(string(line), fileHead)
	if !ok || !ours {
		return key, nil, false
	}
	first, err := strconv.QuotedPrefix(names)
	if err != nil || !strings.HasPrefix(names[len(first):], " ") {
		return key, nil, false
	}
	var errs [2]error
	key.Credential, errs[0] = strconv.Unquote(first)
	key.Subject, errs[1] = strconv.Unquote(names[len(first)+1:])
	return key, record, errs[0] == nil && errs[1] == nil
}
