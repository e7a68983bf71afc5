package pipeline

import "github.com/leatdev/leat/pipeline/credential"

// CredentialState returns how the session that auth chose is at this moment, and false if none was chosen or it can't be had,
// as for a credential per subject on a call that names none. It asks for no token and waits for nothing.
func (c *Call) CredentialState() (credential.State, bool) {
	if c == nil || c.chain == nil {
		return credential.State{}, false
	}
	c.mu.Lock()
	chosen := c.choice
	c.mu.Unlock()
	bound := c.chain.credentials[chosen.name]
	if bound == nil {
		return credential.State{}, false
	}
	session, err := bound.pool.Session(chosen.subject)
	if err != nil {
		return credential.State{}, false
	}
	return session.State(), true
}
