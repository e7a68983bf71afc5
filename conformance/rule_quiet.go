package conformance

import (
	"fmt"
	"log"
	"log/slog"
	"os"
	"strings"
)

// canary begins every secret that the kit puts into requests and answers. What follows tells where it was.
const canary = "c4n4ry"

// playQuiet looks at everything that a stage may write to. Each request and each answer holds secrets.
func playQuiet(b *bench) {
	streams, err := capture()
	if err != nil {
		b.fatal = err
		return
	}
	b.undo = streams.restore
	b.playAll(hooks{sending: addSecrets}, func(c *stageCall) {
		for _, stream := range streams {
			if text := stream.take(); text != "" {
				c.found(fmt.Sprintf("it wrote to %s: %.200q", stream.name, text), "log through the logger of pipeline.Settings: s.Log()")
			}
		}
		c.noSecret("a log record", b.logs.take())
		c.noSecret("an event of the call", b.events.take())
		for _, v := range c.visits {
			if v.err != nil {
				c.noSecret("the error that it returned", fmt.Sprintf("%v %+v", v.err, v.err))
			}
		}
	})
}

// addSecrets puts secrets into the caller's request. Without a body it has no Authorization, so that auth has something to do.
func addSecrets(c *stageCall) {
	c.req.Header.Set("Cookie", "session="+canary+"-cookie")
	c.req.Header.Set("X-Api-Key", canary+"-api-key")
	c.req.URL.RawQuery = "access_token=" + canary + "-query&" + c.req.URL.RawQuery
	if c.body != nil {
		c.req.Header.Set("Authorization", "Bearer "+canary+"-authorization")
	}
}

// noSecret notes the secrets that text holds.
func (c *stageCall) noSecret(where, text string) {
	for _, secret := range []struct{ mark, what string }{
		{"-authorization", "the request's Authorization"}, {"-cookie", "the request's Cookie"}, {"-api-key", "the request's X-Api-Key"},
		{"-query", "the query parameter access_token"}, {"-request-body", "the password in the request's body"},
		{"-set-cookie", "the answer's Set-Cookie"}, {"-answer", "the token in the answer's body"}, {"-problem", "the token in the text of an error's body"},
	} {
		if strings.Contains(text, canary+secret.mark) {
			c.found(where+" shows "+secret.what, "pass what you log or report through the redactor of pipeline.Settings: s.Redact().Text, .URL, .Headers, .Body")
		}
	}
}

// stream is a standard stream or default logger, led into a file.
type stream struct {
	name string
	file *os.File
	back func()
}

type streamSet []*stream

// capture leads the process's standard streams and default loggers into files until restore.
func capture() (streamSet, error) {
	var set streamSet
	for _, name := range []string{"standard output", "standard error", "the default logger"} {
		f, err := os.CreateTemp("", "leat-conformance-*")
		if err != nil {
			set.restore()
			return nil, err
		}
		set = append(set, &stream{name: name, file: f, back: func() {}})
	}
	out, errs, logs := set[0], set[1], set[2]
	was, wasErr := os.Stdout, os.Stderr
	os.Stdout, out.back = out.file, func() { os.Stdout = was }
	os.Stderr, errs.back = errs.file, func() { os.Stderr = wasErr }
	wasLog, flags, wasSlog := log.Writer(), log.Flags(), slog.Default()                         //nolint:forbidigo // to find who uses it
	slog.SetDefault(slog.New(slog.NewTextHandler(logs.file, nil)))                              //nolint:forbidigo // the same
	logs.back = func() { slog.SetDefault(wasSlog); log.SetOutput(wasLog); log.SetFlags(flags) } //nolint:forbidigo // the same
	return set, nil
}

// take returns what was written, and forgets it.
func (s *stream) take() string {
	text, err := os.ReadFile(s.file.Name())
	if err != nil || len(text) == 0 {
		return ""
	}
	_ = s.file.Truncate(0)
	_, _ = s.file.Seek(0, 0)
	return string(text)
}

func (set streamSet) restore() {
	for _, s := range set {
		s.back()
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
}
