package credential

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/leatdev/leat/pipeline/redact"
)

// BasicConfig configures type "basic": user and password in the Authorization header (RFC 7617), encoded as UTF-8.
type BasicConfig struct {
	// User is the user name, literal or by reference; it holds no colon and may be empty if only a password counts.
	User Text `toml:"user"`
	// Password is the password, by reference. Required.
	Password Ref `toml:"password"`
}

// Validate reports a missing password and a user name that RFC 7617 cannot carry.
func (c BasicConfig) Validate() error {
	var wrong mistakes
	wrong.add(c.Password.IsZero(), "password", "password is missing", refHint)
	if err := checkUser(c.User.Literal); err != nil {
		wrong.add(true, "user", "user "+err.Error(), "")
	}
	return wrong.join()
}

func basicFactory() Factory {
	return Define("basic", BasicConfig{}, func(c BasicConfig, s Settings) (Source, Placement, error) {
		if err := c.Validate(); err != nil {
			return nil, Placement{}, err
		}
		read := func(ctx context.Context) (Token, error) { return c.read(ctx, s.Secrets) }
		return reader(read), Placement{Header: "Authorization", Prefix: "Basic "}, nil
	})
}

func (c BasicConfig) read(ctx context.Context, s *Secrets) (Token, error) {
	user, err := s.text(ctx, c.User)
	if err != nil {
		return Token{}, unread(err)
	}
	if err := checkUser(user); err != nil {
		return Token{}, unread(fmt.Errorf("user %w", err))
	}
	password, err := s.Resolve(ctx, c.Password)
	if err != nil {
		return Token{}, unread(err)
	}
	if err := checkText(password.Reveal()); err != nil {
		return Token{}, unread(fmt.Errorf("%v %w", c.Password, err))
	}
	access := redact.NewSecret(base64.StdEncoding.EncodeToString([]byte(user + ":" + password.Reveal())))
	s.tell(access) // the encoded pair is as good as the password
	return Token{Access: access}, nil
}

// text returns a literal as it is and reads a reference.
func (s *Secrets) text(ctx context.Context, t Text) (string, error) {
	if t.Ref.IsZero() {
		return t.Literal, nil
	}
	secret, err := s.Resolve(ctx, t.Ref)
	return secret.Reveal(), err
}

func checkUser(user string) error {
	if strings.Contains(user, ":") {
		return errors.New("must not hold a colon (RFC 7617)")
	}
	return checkText(user)
}

// checkText refuses what RFC 7617 §2 does: control characters, and text that is not the charset it claims to be.
func checkText(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("must be UTF-8")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return errors.New("must not hold a line break or control character (RFC 7617)")
	}
	return nil
}
