package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// logLine is a line of a plugin as it was meant.
type logLine struct {
	time    time.Time
	level   slog.Level
	message string
	attrs   []field
}

// field is one attribute of it: value is a number or a boolean, else nil.
type field struct {
	key, text string
	value     any
}

const (
	maxFields = 32
	maxField  = 1 << 10 // bytes of a value
)

// parseLine reads a line of JSON as hclog, slog and zap write it, or of text. Nothing in it is trusted to be of the kind that it should be.
func parseLine(text []byte, now time.Time) logLine {
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 1 && trimmed[0] == '{' {
		dec := json.NewDecoder(bytes.NewReader(trimmed))
		dec.UseNumber()
		var m map[string]any
		if dec.Decode(&m) == nil && !dec.More() {
			if e, ok := fromJSON(m, now); ok {
				return e
			}
		}
	}
	s := strings.ToValidUTF8(string(text), "?")
	return logLine{time: now, level: levelIn(s), message: printable(s)}
}

// fromJSON reads the keys of the loggers that are known: {@level,@message,@timestamp}, {level,msg,time} and {level,msg,ts}. ok is false for
// an object that has no message.
func fromJSON(m map[string]any, now time.Time) (e logLine, ok bool) {
	take := func(keys ...string) any {
		for _, k := range keys {
			if v, ok := m[k]; ok {
				delete(m, k)
				return v
			}
		}
		return nil
	}
	message, ok := take("@message", "msg", "message").(string)
	if !ok {
		return e, false
	}
	e.message = printable(message)
	e.level = levelOf(take("@level", "level", "severity"))
	e.time = lineTime(take("@timestamp", "time", "ts", "timestamp"), now)
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys[:min(len(keys), maxFields)] {
		e.attrs = append(e.attrs, fieldOf(k, m[k]))
	}
	return e, true
}

// fieldOf keeps the names that the host's own attributes have for the host.
func fieldOf(key string, v any) field {
	key = clip(printable(strings.TrimPrefix(key, "@")))
	switch key {
	case slog.TimeKey, slog.LevelKey, slog.MessageKey, "plugin", "pid", "stream", "cut", "":
		key = "plugin_" + key
	}
	f := field{key: key}
	switch v := v.(type) {
	case string:
		f.text = cutText(printable(v))
	case bool:
		f.text, f.value = fmt.Sprint(v), v
	case json.Number:
		f.text = cutText(v.String())
		if n, err := v.Int64(); err == nil {
			f.value = n
		} else if x, err := v.Float64(); err == nil {
			f.value = x
		}
	default:
		text, _ := json.Marshal(v) // it was read from JSON
		f.text = cutText(printable(string(text)))
	}
	return f
}

func cutText(s string) string {
	if len(s) > maxField {
		return strings.ToValidUTF8(s[:maxField], "") + "…"
	}
	return s
}

// printable keeps a terminal from being told what to do.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, s)
}

func lineTime(v any, now time.Time) time.Time {
	switch v := v.(type) {
	case string:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999Z07:00", "2006-01-02T15:04:05.000Z0700"} {
			if t, err := time.Parse(layout, v); err == nil {
				return t
			}
		}
	case json.Number:
		if x, err := v.Float64(); err == nil && x > 0 && x < 1<<33 { // seconds, as zap writes them
			return time.Unix(0, int64(x*1e9))
		}
	}
	return now
}

func levelOf(v any) slog.Level {
	s, ok := v.(string)
	if !ok {
		return slog.LevelInfo
	}
	level, ok := levelWord(s)
	if !ok {
		var l slog.Level
		if l.UnmarshalText([]byte(s)) == nil { // "DEBUG-4"
			return l
		}
	}
	return level
}

// levelWord knows the words of the usual loggers.
func levelWord(s string) (slog.Level, bool) {
	switch strings.ToLower(s) {
	case "trace", "debug":
		return slog.LevelDebug, true
	case "info", "notice":
		return slog.LevelInfo, true
	case "warn", "warning":
		return slog.LevelWarn, true
	case "error", "err", "fatal", "panic", "dpanic", "critical":
		return slog.LevelError, true
	}
	return slog.LevelInfo, false
}

// levelIn finds the level of a line of text: among its first words, as in `[WARN] …`, `2026-01-02 15:04:05 ERROR …`, `level=debug …`,
// `panic: …`, `fatal error: …`.
func levelIn(s string) slog.Level {
	for i, word := range strings.Fields(s[:min(len(s), 120)]) {
		if i == 5 {
			break
		}
		if level, ok := levelWord(strings.Trim(strings.TrimPrefix(word, "level="), "[]():<>|,\"")); ok {
			if plain := word == strings.ToLower(word) && !strings.ContainsAny(word, "[]:=()<>|"); plain && i > 0 {
				continue // a word of the sentence
			}
			return level
		}
	}
	return slog.LevelInfo
}
