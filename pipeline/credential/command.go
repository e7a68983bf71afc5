package credential

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// CommandConfig configures type "command": a token that a program prints, kept until it expires. The program runs again shortly before
// that, and after a 401; without a shell, in the folder of the file, and with nothing to read. What it prints on standard error is
// shown nowhere, since it may hold secrets.
type CommandConfig struct {
	// Command is the program, then its arguments. A program with a slash in its name counts from the folder of the file. Required.
	Command []string `toml:"command"`
	// Format says what it prints: "text", the token and nothing else; "json", an object; "exec-credential", the object of kubectl's
	// credential plugins (client.authentication.k8s.io), which are also told that nobody can be asked. Default "text".
	Format string `toml:"format"`
	// Access is where the object of format json holds the token, as a dotted path. Default: access_token, else token.
	Access string `toml:"access"`
	// ExpiresIn is where it says in how many seconds the token expires. Default "expires_in".
	ExpiresIn string `toml:"expires_in"`
	// ExpiresAt is where it says when the token expires, in RFC 3339 or as Unix seconds; ExpiresIn wins. Default "expires_at".
	ExpiresAt string `toml:"expires_at"`
	// Lifetime is how long a token counts as good whose end the program does not tell. 0, the default, runs it again only when the
	// token was refused.
	Lifetime time.Duration `toml:"lifetime"`
	// Env names the environment variables that the program is given beside the few that most need, such as PATH, HOME, USER, LANG and
	// TMPDIR. It is also told LEAT_SUBJECT, where the credential is per subject. Default none.
	Env []string `toml:"env"`
	// Timeout is how long the program may take, at most 10 s; then it is killed, with all that it started. Default "10s".
	Timeout time.Duration `toml:"timeout"`
	// Header is the header field that carries the token. Default "Authorization".
	Header string `toml:"header"`
	// Prefix stands before the token in the header. Default "Bearer ".
	Prefix string `toml:"prefix"`
}

// Validate reports a missing program, an unknown format, keys that do not go with it, and what no program could be given.
func (c CommandConfig) Validate() error {
	var wrong mistakes
	args := strings.Join(c.Command, "")
	wrong.add(len(c.Command) == 0 || c.Command[0] == "", "command", "command is missing", `write command = ["program", "argument"]`)
	wrong.add(strings.ContainsRune(args, 0), "command", "command holds a NUL character", "")
	wrong.add(c.Format != "text" && c.Format != "json" && c.Format != "exec-credential", "format",
		fmt.Sprintf("unknown format %q", c.Format), `write "text", "json" or "exec-credential"`)
	wrong.add(c.Access != "" && c.Format != "json", "access", `access goes with format = "json"`, "")
	wrong.add(c.Lifetime < 0, "lifetime", "lifetime must not be negative", "")
	wrong.add(c.Timeout <= 0 || c.Timeout > commandTimeout, "timeout", "timeout must be more than 0 and at most 10s", "a renewal has no longer")
	for i, name := range c.Env {
		wrong.add(name == "" || strings.ContainsAny(name, "=\x00"), fmt.Sprintf("env[%d]", i), "not the name of a variable", `write env = ["NAME"]`)
	}
	wrong.placement(c.Header, c.Prefix)
	return wrong.join()
}

func commandFactory() Factory {
	defaults := CommandConfig{
		Format: "text", ExpiresIn: "expires_in", ExpiresAt: "expires_at", Timeout: commandTimeout, Header: "Authorization", Prefix: "Bearer ",
	}
	return Define("command", defaults, func(c CommandConfig, s Settings) (Source, Placement, error) {
		if err := c.Validate(); err != nil {
			return nil, Placement{}, err
		}
		read := func(ctx context.Context) (Token, error) {
			token, err := c.token(ctx, s.Secrets, s.Subject)
			if err != nil {
				return Token{}, unread(err)
			}
			return token, nil
		}
		return reader(read), Placement{Header: http.CanonicalHeaderKey(c.Header), Prefix: c.Prefix}, nil
	})
}

func (c CommandConfig) token(ctx context.Context, s *Secrets, subject string) (Token, error) {
	r := Command(c.Command[0], c.Command[1:]...)
	out, err := c.output(ctx, s, r, subject)
	if err != nil {
		return Token{}, err
	}
	token, err := c.parse(out, time.Now())
	if err != nil {
		return Token{}, fmt.Errorf("%v: %w", r, err)
	}
	if token.Lifetime == 0 {
		token.Lifetime = c.Lifetime
	}
	s.tell(token.Access)
	return token, nil
}

// output runs the program, unless the host gives what it would print: tests run nothing.
func (c CommandConfig) output(ctx context.Context, s *Secrets, r Ref, subject string) ([]byte, error) {
	if s == nil {
		s = NewSecrets("", nil, nil, nil)
	}
	if value, ok := s.given(r.String(), ""); ok {
		return []byte(value), nil
	}
	return s.run(ctx, r, c.environment(subject), c.Timeout)
}

// commonEnv are the variables without which many programs do not even start, on Unix and on Windows.
var commonEnv = [...]string{
	"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR",
	"SYSTEMROOT", "SYSTEMDRIVE", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "TEMP", "TMP", "PATHEXT", "COMSPEC",
}

func (c CommandConfig) environment(subject string) []string {
	env := []string{} // never nil, which would pass on everything
	for _, names := range [][]string{commonEnv[:], c.Env} {
		for _, name := range names {
			if value, ok := os.LookupEnv(name); ok {
				env = append(env, name+"="+value)
			}
		}
	}
	if subject != "" {
		env = append(env, "LEAT_SUBJECT="+subject)
	}
	if c.Format == "exec-credential" { // plugins refuse to run without it
		env = append(env, `KUBERNETES_EXEC_INFO={"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":false}}`)
	}
	return env
}

// parse reads what the program printed at the moment now.
func (c CommandConfig) parse(out []byte, now time.Time) (Token, error) {
	if c.Format == "text" {
		return commandToken(string(bytes.TrimSpace(out)), 0)
	}
	a := &answer{fields: readObject(out), base: now}
	if a.fields == nil {
		return Token{}, errors.New("its output is not one JSON object")
	}
	access, at := c.Access, answerPaths{expiresIn: c.ExpiresIn, expiresAt: c.ExpiresAt}
	switch {
	case c.Format == "exec-credential":
		access, at = "status.token", answerPaths{expiresAt: "status.expirationTimestamp"}
	case access == "":
		access = "token"
		if lookup(a.fields, "access_token") != nil {
			access = "access_token"
		}
	}
	value, _ := lookup(a.fields, access).(string)
	if value == "" {
		return Token{}, fmt.Errorf("its output has no string %q", access)
	}
	lifetime, ok := a.lifetime(at)
	if !ok {
		return Token{}, errors.New("the token that it printed has already expired")
	}
	return commandToken(value, lifetime)
}

func commandToken(value string, lifetime time.Duration) (Token, error) {
	switch {
	case value == "":
		return Token{}, errors.New("it printed nothing")
	case !fitsHeader(value):
		return Token{}, errors.New("it printed a line break or control character, which no header carries")
	}
	return Token{Access: redact.NewSecret(value), Lifetime: lifetime}, nil
}
