package credential

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Snapshot is one token of a session as it was published. Nothing of it changes but what Worked notes, so that any number of requests share it. Its text forms
// show generation and expiry, never the token.
type Snapshot struct {
	generation uint64
	place      Placement
	reveal     func() *material // a func, because fmt and its like look through every unexported field, but not into one

	sent                         time.Time // when the token request left
	advisory, mandatory, expires time.Time // zero: lifetime unknown
	repeated                     bool      // the source gave the refused token once more
}

// material is what a snapshot hides.
type material struct {
	token  Token
	values []string // the header's value, made once so that Attach allocates nothing
	worked atomic.Bool
}

// newSnapshot places token in time. early, from 0 to 1, is the process's own share of the jitter.
func newSnapshot(generation uint64, token Token, place Placement, sent time.Time, early float64) *Snapshot {
	m := &material{token: token}
	if place.Query == "" {
		m.values = []string{place.Prefix + token.Access.Reveal()}
	}
	n := &Snapshot{generation: generation, place: place, sent: sent, reveal: func() *material { return m }}
	if life := token.Lifetime; life > 0 {
		n.expires = sent.Add(life)
		margin := min(5*time.Minute, life/5)
		n.advisory = n.expires.Add(-margin + time.Duration((1-early)*float64(margin/5)))
		n.mandatory = n.expires.Add(-min(time.Minute, life/10))
	}
	return n
}

// Worked notes that a server took the token: it answered with anything but a 401. A token that worked and is refused later has
// expired or was revoked; one that never worked, three times in a row, is a sign that renewing does not help.
func (n *Snapshot) Worked() {
	if m := n.reveal(); !m.worked.Load() {
		m.worked.Store(true)
	}
}

// Generation numbers the tokens of a session within the process: every newer token has a greater one. It begins at 1.
func (n *Snapshot) Generation() uint64 { return n.generation }

// Expires returns when the token ends, counted from the moment its request was sent; the zero time if that is unknown.
func (n *Snapshot) Expires() time.Time { return n.expires }

// Token returns the token itself. It is for stores and sources; requests get theirs through Attach.
func (n *Snapshot) Token() Token { return n.reveal().token }

// Attach puts the access token on req, in place of any value that stands there. The caller owns req and its header map; the
// header's value slice is shared and must not be written to. For a query parameter, req.URL is replaced by a copy.
func (n *Snapshot) Attach(req *http.Request) {
	if n.place.Query == "" {
		req.Header[n.place.Header] = n.reveal().values
		return
	}
	u := *req.URL
	u.RawQuery = withParam(u.RawQuery, n.place.Query, n.reveal().token.Access.Reveal())
	req.URL = &u
}

// Format writes generation and expiry, whatever the verb.
func (n *Snapshot) Format(f fmt.State, _ rune) {
	if n == nil {
		_, _ = f.Write([]byte("no token"))
		return
	}
	_, _ = fmt.Fprintf(f, "token of generation %d", n.generation)
	if !n.expires.IsZero() {
		_, _ = fmt.Fprintf(f, ", expires %s", n.expires.Format(time.RFC3339))
	}
}

// withParam sets one parameter and leaves the rest of the query byte for byte as it is, because somebody may have signed it.
func withParam(query, name, value string) string {
	var b strings.Builder
	for query != "" {
		var part string
		part, query, _ = strings.Cut(query, "&")
		key, _, _ := strings.Cut(part, "=")
		if k, err := url.QueryUnescape(key); err == nil && k == name {
			continue
		}
		b.WriteString(part)
		b.WriteByte('&')
	}
	b.WriteString(url.QueryEscape(name))
	b.WriteByte('=')
	b.WriteString(url.QueryEscape(value))
	return b.String()
}
