//go:build linux || darwin

package host

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// A tape is what a plugin has sent to a host, in the order of its messages, a line each. The words of a line are
//
//	= describe                 DATA    the plugin's answer to Describe
//	= check    TYPE            DATA    to Check
//	> KIND     EXCHANGE STAGE          the host sent a frame; of those that begin something STAGE is whose they are, else "-"
//	< KIND     EXCHANGE -      DATA    the plugin did; the exchange's number in DATA is that of the host of then
//	+ KIND     EXCHANGE -      DATA    likewise, in the same message as the one before
//	= chunk    EXCHANGE        DATA    the first of a body that the host fetched
//	+ chunk    EXCHANGE        DATA    a further one
//
// DATA is base64; behind a "z" it is deflated.
type tapeLine struct {
	mark, kind string
	exchange   uint64
	name       string
	data       []byte
}

func (l tapeLine) String() string {
	switch {
	case l.mark == ">":
		return fmt.Sprintf("> %s %d %s\n", l.kind, l.exchange, or(l.name, "-"))
	case l.kind == "describe":
		return fmt.Sprintf("= describe %s\n", armour(l.data))
	case l.kind == "check":
		return fmt.Sprintf("= check %s %s\n", l.name, armour(l.data))
	case l.kind == "chunk":
		return fmt.Sprintf("%s chunk %d %s\n", l.mark, l.exchange, armour(l.data))
	}
	return fmt.Sprintf("%s %s %d - %s\n", l.mark, l.kind, l.exchange, armour(l.data))
}

// readTape reads the tapes of a file, which follow each other.
func readTape(path string) ([]tapeLine, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var lines []tapeLine
	for n, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		l, err := parseTapeLine(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n+1, err)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func parseTapeLine(line string) (l tapeLine, err error) {
	var data string
	words := strings.Fields(line)
	if len(words) < 2 {
		return l, errors.New("it is too short")
	}
	l.mark, l.kind = words[0], words[1]
	rest := strings.Join(words[2:], " ")
	switch {
	case l.mark == ">":
		_, err = fmt.Sscan(rest, &l.exchange, &l.name)
	case l.kind == "describe":
		_, err = fmt.Sscan(rest, &data)
	case l.kind == "check":
		_, err = fmt.Sscan(rest, &l.name, &data)
	case l.kind == "chunk":
		_, err = fmt.Sscan(rest, &l.exchange, &data)
	default:
		_, err = fmt.Sscan(rest, &l.exchange, &l.name, &data)
	}
	if err != nil {
		return l, err
	}
	l.data, err = unarmour(data)
	return l, err
}

// armour writes bytes as text. The empty ones are "".
func armour(data []byte) string {
	if len(data) < 512 {
		return `"` + base64.StdEncoding.EncodeToString(data) + `"`
	}
	var small bytes.Buffer
	w, _ := flate.NewWriter(&small, flate.BestCompression) // which knows that level
	_, _ = w.Write(data)
	_ = w.Close()
	return `z"` + base64.StdEncoding.EncodeToString(small.Bytes()) + `"`
}

func unarmour(text string) ([]byte, error) {
	text, deflated := strings.CutPrefix(text, "z")
	data, err := base64.StdEncoding.DecodeString(strings.Trim(text, `"`))
	if err != nil || !deflated {
		return data, err
	}
	return io.ReadAll(flate.NewReader(bytes.NewReader(data)))
}

// frameNames are the kinds of frames by the numbers of their fields.
func frameNames() map[protowire.Number]string {
	return map[protowire.Number]string{
		2: "open", 3: "do", 4: "result", 5: "awake", 6: "body", 7: "cancel", 8: "ended", 9: "close",
		16: "opened", 17: "next", 18: "return", 19: "wait", 20: "read", 21: "drop", 22: "closed", 23: "log", 24: "draining",
	}
}

// framesOf takes a Batch apart.
func framesOf(batch []byte) (frames [][]byte, err error) {
	err = eachField(batch, func(number protowire.Number, _, value []byte) {
		if number == 1 {
			frames = append(frames, value)
		}
	})
	return frames, err
}

// frameOf returns a frame's kind and exchange.
func frameOf(frame []byte) (kind string, exchange uint64) {
	names := frameNames()
	_ = eachField(frame, func(number protowire.Number, field, _ []byte) {
		if number == 1 {
			_, _, n := protowire.ConsumeTag(field)
			exchange, _ = protowire.ConsumeVarint(field[n:])
		} else if name := names[number]; name != "" {
			kind = name
		}
	})
	return kind, exchange
}

// renumbered returns a frame with another exchange's number. One of no exchange stays so.
func renumbered(frame []byte, exchange uint64) (out []byte) {
	numbered := false
	_ = eachField(frame, func(number protowire.Number, field, _ []byte) {
		if number == 1 {
			numbered = true
		} else {
			out = append(out, field...)
		}
	})
	if !numbered {
		return frame
	}
	return append(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), exchange), out...)
}

// eachField goes through a message: field is the whole of each, value what one of bytes holds.
func eachField(message []byte, visit func(number protowire.Number, field, value []byte)) error {
	for len(message) > 0 {
		number, typ, n := protowire.ConsumeField(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		field, value := message[:n], []byte(nil)
		if typ == protowire.BytesType {
			_, _, tag := protowire.ConsumeTag(field)
			value, _ = protowire.ConsumeBytes(field[tag:])
		}
		visit(number, field, value)
		message = message[n:]
	}
	return nil
}
