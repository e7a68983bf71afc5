package errormap

import (
	"io"
	"net/http"
	"strings"

	"github.com/leatdev/leat/pipeline"
)

// maxBody is how much of an error's body is read for its message; nobody writes more than that about an error.
const maxBody = 64 << 10

// said reads what the body of an error response says, free of secrets, and puts back what it read. A body that can't be read to its
// end stays a response's body that fails at that place.
func (s *Stage) said(req *http.Request, resp *http.Response) (message, problemType string) {
	contentType := resp.Header.Get("Content-Type")
	if req.Method == http.MethodHead || resp.Body == nil || resp.Body == http.NoBody || !isJSON(contentType) || pipeline.IsStream(resp) ||
		isEncoded(resp) || resp.ContentLength == 0 || resp.ContentLength > maxBody {
		return "", ""
	}
	buf, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	pipeline.PutBack(resp, buf, err)
	switch {
	case err != nil:
		return s.show("the body of the error could not be read: " + textOf(err)), ""
	case len(buf) > maxBody:
		return "", ""
	}
	message, problemType = read(contentType, buf)
	return s.show(message), s.show(problemType)
}

// show redacts twice: before text is cut short, and once control characters no longer part what belongs together.
func (s *Stage) show(text string) string { return s.redactor.Text(clean(s.redactor.Text(text))) }

// textOf leaves the frame of an *Error out: the message will stand in another one.
func textOf(err error) string {
	if e, ok := err.(*pipeline.Error); ok { //nolint:errorlint // only where it is itself the error
		return e.Message
	}
	return err.Error()
}

// isEncoded reports whether the body is still compressed: the caller asked for that, so it is the caller's to decode.
func isEncoded(resp *http.Response) bool {
	coding := resp.Header.Get("Content-Encoding")
	return coding != "" && !strings.EqualFold(coding, "identity")
}
