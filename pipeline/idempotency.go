package pipeline

// IdempotencyKey returns the key by which a server can tell a resend of the call from another call: that of the option
// [IdempotencyKey], else what a stage noted with [Call.UseIdempotencyKey], in this hop or an earlier one; "" if there is none.
func (c *Call) IdempotencyKey() string {
	if c == nil {
		return ""
	}
	if key := c.opts.idempotencyKey; key != "" {
		return key
	}
	for hop := c; hop != nil; hop = hop.prev {
		hop.mu.Lock()
		key := hop.key
		hop.mu.Unlock()
		if key != "" {
			return key
		}
	}
	return ""
}

// UseIdempotencyKey notes the key that a stage made for the call, for its replays and redirect hops, and marks the call idempotent.
func (c *Call) UseIdempotencyKey(key string) {
	if c == nil {
		return
	}
	c.change(func(ch *CallChanges) { ch.IdempotencyKey, ch.Idempotent = key, true })
	c.mu.Lock()
	c.key, c.marked = key, true
	c.mu.Unlock()
}

// MarkIdempotent says that sending this call twice does no more than sending it once. It counts for retry stages further in: they
// ask before their first attempt. A redirect hop is a call of its own.
func (c *Call) MarkIdempotent() {
	if c == nil {
		return
	}
	c.change(func(ch *CallChanges) { ch.Idempotent = true })
	c.mu.Lock()
	c.marked = true
	c.mu.Unlock()
}

// MarkedIdempotent reports whether the caller, or a stage, said that a resend is safe.
func (c *Call) MarkedIdempotent() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.marked || c.opts.idempotent
}
