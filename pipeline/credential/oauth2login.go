package credential

import (
	"context"
	"errors"
	"fmt"

	"github.com/leatdev/leat/pipeline/redact"
)

// Login runs grant refresh_token with the refresh token that the field refresh_token gives; without it, with the one that the file
// configures. The other grants have no login: they prove the client itself.
func (o *oauth2Source) Login(ctx context.Context, fields map[string]redact.Secret) (Token, error) {
	if o.config.Grant != "refresh_token" {
		return Token{}, fmt.Errorf("grant %s has no login", o.config.Grant)
	}
	for name := range fields {
		if name != "refresh_token" {
			return Token{}, fmt.Errorf("login: grant refresh_token takes the field refresh_token only, not %q", name)
		}
	}
	given := fields["refresh_token"]
	if given.IsZero() {
		return o.Obtain(ctx)
	}
	got, err := o.request(ctx, given.Reveal())
	if got.Refresh.IsZero() && !got.Access.IsZero() {
		got.Refresh = given // it serves on
	}
	if f := (*Failure)(nil); errors.As(err, &f) && f.Code != "" {
		return got, fmt.Errorf("%w: the server refuses the given refresh token", err)
	}
	return got, err
}
