package refresh

import (
	"bytes"
	"io"
	"net/http"

	"github.com/leatdev/leat/pipeline"
)

// maxHeld bounds what is kept of an answer while its call waits for a token.
const maxHeld = 64 << 10

// hold reads the body of an answer into memory and puts it back. The token request may need the connection that an unread answer
// keeps busy: with a bound on connections, callers who wait would starve the very request that they wait for. What is larger
// than 64 KiB, or a stream, stays where it is. The error, if any, comes to whoever reads the body too.
func hold(resp *http.Response) error {
	if resp.Body == http.NoBody || pipeline.IsStream(resp) || resp.ContentLength > maxHeld {
		return nil
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxHeld))
	if err != nil {
		resp.Body = held{io.MultiReader(bytes.NewReader(head), broken{err}), resp.Body}
		return err
	}
	resp.Body = held{io.MultiReader(bytes.NewReader(head), resp.Body), resp.Body}
	return nil
}

// held is a body whose beginning was read already.
type held struct {
	io.Reader
	io.Closer
}

// broken is the end of a body that could not be read further.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
