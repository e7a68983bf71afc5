package credential

import (
	"context"
	"net/http"
	"strings"
)

// APIKeyConfig configures type "api-key": a fixed key in a header field or a query parameter.
type APIKeyConfig struct {
	// Key is the key, by reference. Required.
	Key Ref `toml:"key"`
	// Header is the header field that carries the key. Exactly one of header and query must be set.
	Header string `toml:"header"`
	// Query is the query parameter that carries the key; prefer a header where the API offers one, as URLs end up in logs.
	Query string `toml:"query"`
	// Prefix stands before the key in the header, for instance "Token ". Default "".
	Prefix string `toml:"prefix"`
}

// Validate reports a missing key, and anything but exactly one place for it.
func (c APIKeyConfig) Validate() error {
	var wrong mistakes
	wrong.add(c.Key.IsZero(), "key", "key is missing", refHint)
	switch {
	case c.Header == "" && c.Query == "":
		wrong.add(true, "", "one of header and query is missing", `write header = "X-API-Key", or query = "api_key"`)
	case c.Header != "" && c.Query != "":
		wrong.add(true, "query", "header and query exclude each other", "keep one of them")
	case c.Header != "":
		wrong.placement(c.Header, c.Prefix)
	default:
		wrong.add(c.Prefix != "", "prefix", "prefix goes with header, not with query", "")
		unfit := strings.ContainsFunc(c.Query, func(r rune) bool { return r <= ' ' || r == 0x7f })
		wrong.add(unfit, "query", "query must be the name of a parameter", "")
	}
	return wrong.join()
}

func apiKeyFactory() Factory {
	return Define("api-key", APIKeyConfig{}, func(c APIKeyConfig, s Settings) (Source, Placement, error) {
		if err := c.Validate(); err != nil {
			return nil, Placement{}, err
		}
		read := func(ctx context.Context) (Token, error) {
			key, err := headerSecret(ctx, s.Secrets, c.Key)
			return Token{Access: key}, err
		}
		place := Placement{Query: c.Query, Prefix: c.Prefix}
		if c.Header != "" {
			place.Header = http.CanonicalHeaderKey(c.Header)
		}
		return reader(read), place, nil
	})
}
