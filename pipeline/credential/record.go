package credential

import "time"

// Status returns the word for what r gives at the moment now, by the wall clock: empty, fresh, advisory, expired, dead or closed. It
// is for people who look into a store. A session knows more: a 401, or a renewal that failed.
func (r Record) Status(now time.Time) Status {
	switch {
	case r.Generation == 0:
		return StatusEmpty
	case r.Ended != "":
		return r.Ended
	case r.Token.Access.IsZero():
		return StatusExpired
	}
	v := view{snap: newSnapshot(r.Generation, r.Token, Placement{}, r.Obtained.Round(0), 1)}
	return v.status(now.Round(0))
}

// Expires returns when the token ends, by the wall clock; the zero time if that is unknown, or there is none.
func (r Record) Expires() time.Time {
	if r.Token.Access.IsZero() || r.Token.Lifetime <= 0 {
		return time.Time{}
	}
	return r.Obtained.Round(0).Add(r.Token.Lifetime)
}
