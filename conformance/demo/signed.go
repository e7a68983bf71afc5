package demo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

// signatureAge is how far the clock of a signature may be off.
const signatureAge = 5 * time.Minute

// serveSigned answers requests that are signed as the plugin in plugins/examples/signer signs them: HMAC-SHA256 over method, host, path
// with query, date and the body's digest, each line ended by a line feed.
func (a *API) serveSigned(w http.ResponseWriter, r *http.Request, _ string) {
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	sum := sha256.Sum256(body)
	digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	date := r.Header.Get("X-Signature-Date")
	at, err := http.ParseTime(date)
	signature, errBase64 := base64.StdEncoding.DecodeString(r.Header.Get("X-Signature"))
	mac := hmac.New(sha256.New, []byte(SignerKey))
	mac.Write([]byte(strings.Join([]string{r.Method, strings.ToLower(r.Host), r.URL.RequestURI(), date, digest, ""}, "\n")))
	wrong := ""
	switch {
	case r.Header.Get("X-Signature") == "":
		wrong = "this route needs a signature in X-Signature"
	case r.Header.Get("Content-Digest") != digest:
		wrong = "Content-Digest is not that of the body"
	case err != nil:
		wrong = "X-Signature-Date is no date"
	case time.Since(at).Abs() > signatureAge:
		wrong = "the signature is too old, or from the future"
	case errBase64 != nil || !hmac.Equal(signature, mac.Sum(nil)):
		wrong = "the signature is not that of this request"
	}
	if wrong != "" {
		answerProblem(w, http.StatusForbidden, wrong)
		return
	}
	answer(w, http.StatusOK, map[string]any{"signed": true, "key": r.Header.Get("X-Signature-Key"), "date": date})
}
