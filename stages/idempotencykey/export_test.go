package idempotencykey

// Write lets tests see how a key is written.
func (f Format) Write(key string) (string, error) { return f.write(key) }
