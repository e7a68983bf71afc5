package pipeline

import "github.com/leatdev/leat/pipeline/credential"

// Attachment says which credential the latest send carried.
type Attachment struct {
	Session    *credential.Session // nil: none was attached
	Generation uint64
	Skipped    string // why none was attached: "foreign_origin", "exempt", "caller", "skip_auth", "insecure"

	token *credential.Snapshot
}

// Carried reports whether the send carried the very token that n holds. n may be of a later generation: a source, such as a file that
// nobody changed, may give the same token again.
func (a Attachment) Carried(n *credential.Snapshot) bool {
	return a.token != nil && n != nil && a.token.Token().Access == n.Token().Access
}

// choice is what auth decided.
type choice struct {
	made    bool
	name    string // "" = none
	subject string
	skipped string // why none: "exempt", "caller", "skip_auth"
}

// UseCredential chooses what the last link attaches to each send of this call from now on.
func (c *Call) UseCredential(name, subject string) {
	if c == nil {
		return
	}
	c.change(func(ch *CallChanges) { ch.Credential, ch.CredentialSubject, ch.SkipCredential = name, subject, "" })
	c.mu.Lock()
	c.choice = choice{made: true, name: name, subject: subject}
	c.mu.Unlock()
}

// RejectCredential says that the upstream refused the credential of that name which the latest send carried, though its status did not say
// so: the next send waits for a newer token. Where another credential was sent, or none, it does nothing.
func (c *Call) RejectCredential(name string) {
	if c == nil {
		return
	}
	c.change(func(ch *CallChanges) { ch.Rejected = name })
	if sent := c.Attached(); sent.Session != nil && sent.Session.Name() == name {
		sent.Session.Reject(sent.Generation)
	}
}

// SkipCredential says that nothing is to be attached, and why in a word.
func (c *Call) SkipCredential(reason string) {
	if c == nil {
		return
	}
	c.change(func(ch *CallChanges) { ch.Credential, ch.SkipCredential = "", reason })
	c.mu.Lock()
	c.choice = choice{made: true, skipped: reason}
	c.mu.Unlock()
}

// Attached returns what the latest send carried.
func (c *Call) Attached() Attachment {
	if c == nil {
		return Attachment{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent
}
