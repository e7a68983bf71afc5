package host

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// readStdout hands go-plugin the first line if that is the handshake's; the rest is the plugin's chatter.
func (l *launch) readStdout(f io.Reader) {
	const most = 16 << 10 // a certificate is about 1 KiB
	r := bufio.NewReaderSize(f, most)
	first, err := r.ReadSlice('\n')
	switch {
	case err != nil && len(first) == 0:
	case handshakeLike(string(first)):
		if problem := l.judge(strings.TrimSpace(string(first))); problem != nil {
			l.fail(lasting{problem})
		} else {
			_, _ = l.line.Write(first)
		}
	default:
		l.fail(fmt.Errorf("it wrote %q to its standard output before the handshake: that is the protocol's until then, so print to standard error",
			clip(l.logs.redact(line(strings.TrimSpace(string(first)))))))
	}
	_ = l.line.Close()
	_, _ = io.Copy(l.logs.stream("stdout"), r)
}

func handshakeLike(s string) bool {
	core, rest, ok := strings.Cut(s, "|")
	_, err := strconv.Atoi(core)
	return ok && err == nil && strings.Count(rest, "|") >= 2
}

// judge says what is wrong with a handshake, in better words than go-plugin has.
func (l *launch) judge(handshake string) error {
	parts := strings.Split(handshake, "|")
	if parts[0] != "1" {
		return fmt.Errorf("it speaks version %s of go-plugin's handshake, this leat (%s) speaks 1: build the plugin with a go-plugin of version 1", line(parts[0]), version())
	}
	v, err := strconv.Atoi(parts[1])
	switch {
	case err != nil:
		return fmt.Errorf("its handshake names no protocol version: %q", clip(line(handshake)))
	case v > wire.ProtocolVersion:
		return fmt.Errorf("it speaks protocol version %d, this leat (%s) speaks %d: upgrade leat", v, version(), wire.ProtocolVersion)
	case v < wire.ProtocolVersion:
		return fmt.Errorf("it speaks protocol version %d, this leat (%s) speaks %d: upgrade the plugin", v, version(), wire.ProtocolVersion)
	case len(parts) < 5 || parts[4] != "grpc":
		return errors.New("it does not speak gRPC: its handshake must name the protocol grpc")
	}
	return nil
}

// PluginToHost implements runner.Runner: the socket must be in the folder that was made for it, which nobody else can enter.
func (l *launch) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || filepath.Dir(filepath.Clean(address)) != filepath.Clean(l.folder) {
		err := fmt.Errorf("it listens on %s %s: it must listen on a Unix socket in the folder that %s names", line(network), clip(line(address)), wire.SocketDirEnv)
		l.fail(err)
		return "", "", err
	}
	return network, address, nil
}

// ended says how the process ended, "" if it runs still after d.
func (l *launch) ended(d time.Duration) string {
	if !l.wait(d) {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end == nil {
		return ""
	}
	return describeEnd(l.end)
}

// lastWords quotes the last of what the process wrote to its standard error, but for what it wrote to debug it.
func (l *launch) lastWords() string {
	var words []string
	for text := range strings.Lines(l.last.text()) {
		if isTrace(text) {
			continue
		}
		e := parseLine([]byte(strings.TrimSpace(text)), time.Time{})
		if e.message = strings.TrimSpace(e.message); e.level > slog.LevelDebug && e.message != "" {
			words = append(words, strconv.Quote(l.logs.redact(clip(e.message))))
		}
	}
	const most = 6
	if len(words) == 0 {
		return ""
	}
	return "; its last words: " + strings.Join(words[max(0, len(words)-most):], ", ")
}

// isTrace reports whether a line is of what Node writes below an error: where it was, and its own version. The error itself is what helps.
func isTrace(line string) bool {
	return strings.HasPrefix(line, "    at ") || strings.HasPrefix(line, "Node.js v")
}
