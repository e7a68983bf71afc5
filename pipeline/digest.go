package pipeline

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
)

// Digest is the length and SHA-256 of a body.
type Digest struct {
	Length int64
	SHA256 [sha256.Size]byte
}

// digester is a body that tells its digest without being read: one whose bytes stay in another process.
type digester interface{ Digest() (Digest, error) }

// DigestOf returns the digest of a request's body, for a stage that signs it, and leaves the body to be sent. It works wherever the stage
// runs: in another process the needs must have the body mode "digest" or "full"; in this one the body is read, by GetBody if there is
// one, and else up to 1 MiB, which is kept for the send.
func DigestOf(req *http.Request) (Digest, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return Digest{SHA256: sha256.Sum256(nil)}, nil
	}
	if d, ok := BodyBeneath(req.Body).(digester); ok {
		return d.Digest()
	}
	if req.GetBody != nil {
		return digestAgain(req)
	}
	under := req.Body
	data, err := io.ReadAll(io.LimitReader(under, int64(defaultBodyLimit)+1))
	if failed := tooMuch(data, err); failed != nil {
		req.Body = &keptBody{io.MultiReader(bytes.NewReader(data), under), under}
		return Digest{}, failed
	}
	req.Body = &keptBody{bytes.NewReader(data), under}
	req.GetBody = func() (io.ReadCloser, error) { return &keptBody{bytes.NewReader(data), under}, nil }
	return Digest{int64(len(data)), sha256.Sum256(data)}, nil
}

// digestAgain reads a copy of the body.
func digestAgain(req *http.Request) (Digest, error) {
	body, err := req.GetBody()
	if err != nil {
		return Digest{}, fmt.Errorf("reading the body for its digest: %w", err)
	}
	d, err := digest(body)
	_ = body.Close()
	if b := bodyOf(req.Body); err == nil && b != nil {
		if _, ok := b.rc.(*sourceReader); ok { // of which one is good at a time
			err = Reopen(req)
		}
	}
	return d, err
}

// DigestOfResponse returns the digest of a response's body, and leaves the body to be read. In this process it reads the body, which may
// have 1 MiB at most; in another the needs must have the response's body mode "digest" or "full". A stream has none.
func DigestOfResponse(resp *http.Response) (Digest, error) {
	if resp.Body == nil || resp.Body == http.NoBody {
		return Digest{SHA256: sha256.Sum256(nil)}, nil
	}
	if d, ok := BodyBeneath(resp.Body).(digester); ok {
		return d.Digest()
	}
	if IsStream(resp) {
		return Digest{}, Errorf(KindPolicy, "a stream has no digest")
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, int64(defaultBodyLimit)+1))
	PutBack(resp, data, err)
	if err := tooMuch(data, err); err != nil {
		return Digest{}, err
	}
	return Digest{int64(len(data)), sha256.Sum256(data)}, nil
}

func digest(r io.Reader) (Digest, error) {
	sum := sha256.New()
	n, err := io.Copy(sum, r)
	if err != nil {
		return Digest{}, fmt.Errorf("reading the body for its digest: %w", err)
	}
	d := Digest{Length: n}
	sum.Sum(d.SHA256[:0])
	return d, nil
}

// tooMuch says why there is no digest of a body that can be read only once, of which data was read.
func tooMuch(data []byte, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("reading the body for its digest: %w", err)
	case len(data) > int(defaultBodyLimit):
		return Errorf(KindPolicy, "a body of more than %s that can be read only once has no digest: give the request a GetBody", defaultBodyLimit)
	}
	return nil
}

// keptBody gives what was read of another, and perhaps the rest.
type keptBody struct {
	io.Reader
	under io.ReadCloser
}

// Close closes the body that was read.
func (b *keptBody) Close() error { return b.under.Close() }

// Unwrap returns the body that was read; see [Stage].
func (b *keptBody) Unwrap() io.ReadCloser { return b.under }
