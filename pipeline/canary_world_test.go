package pipeline_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// canary begins every secret of these tests: the file's, the server's and the caller's.
const canary = "c4n4ry-"

const canaryFile = `version = 1
[secrets.shared]
env = "SHARED"
[credentials.login]
type = "login"
origins = ["https://api.example.com"]
login = { path = "/login", send = { user = "ada", password = { secret = "shared" } } }
refresh = { path = "/refresh" }
[credentials.bearer]
type = "bearer"
origins = ["https://api.example.com"]
token = { env = "TOKEN" }
[credentials.basic]
type = "basic"
origins = ["https://api.example.com"]
user = "ada"
password = { env = "PASSWORD" }
[credentials.key]
type = "api-key"
origins = ["https://api.example.com"]
header = "X-Demo"
key = { env = "KEY" }
[credentials.query]
type = "api-key"
origins = ["https://api.example.com"]
query = "k"
key = { env = "KEY" }
[credentials.oauth]
type = "oauth2"
origins = ["https://api.example.com"]
token_url = "https://api.example.com/token"
client_id = "leat"
client_secret = { env = "CLIENT_SECRET" }
[stages.log]
send_level = "info"
request_body = true
response_body = true
[stages.loud]
use = "log"
profile = "development"
calls = false
request_body = true
response_body = true
[pipelines.base]
stages = ["auth", "refresh", "retry", "log", "loud", "error-map", "validate", "trouble"]
[pipelines.login]
extends = "base"
base_url = "https://api.example.com"
credential = "login"
[pipelines.bearer]
extends = "base"
base_url = "https://api.example.com"
credential = "bearer"
[pipelines.basic]
extends = "base"
base_url = "https://api.example.com"
credential = "basic"
[pipelines.key]
extends = "base"
base_url = "https://api.example.com"
credential = "key"
[pipelines.query]
extends = "base"
base_url = "https://api.example.com"
credential = "query"
[pipelines.oauth]
extends = "base"
base_url = "https://api.example.com"
credential = "oauth"
`

// indiscreet is an upstream that repeats every secret it is sent wherever it can, and a transport whose errors do.
type indiscreet struct {
	mu      sync.Mutex
	foreign []string
	tokens  int
}

func (s *indiscreet) RoundTrip(req *http.Request) (*http.Response, error) {
	var body string
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		_ = req.Body.Close()
		body = string(b)
	}
	sent := fmt.Sprint(req.URL, req.Header, body)
	if req.URL.Host != "api.example.com" || req.URL.Scheme != "https" {
		s.mu.Lock()
		s.foreign = append(s.foreign, sent)
		s.mu.Unlock()
		return reply2(req, 200, `{"title":"elsewhere"}`), nil
	}
	auth := req.Header.Get("Authorization") + req.Header.Get("X-Demo") + req.URL.Query().Get("k")
	switch req.URL.Path {
	case "/login", "/refresh", "/token":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tokens++
		return reply2(req, 200, fmt.Sprintf(`{"access_token":"%saccess-%d","refresh_token":"%srefresh-%d","token_type":"Bearer"}`, canary, s.tokens, canary, s.tokens)), nil
	case "/error":
		return nil, &url.Error{Op: "Get", URL: req.URL.String(), Err: fmt.Errorf("%v: Authorization: %s", errors.New("refused"), auth)}
	case "/401":
		return reply2(req, 401, fmt.Sprintf(`{"title":"no","detail":"the token %s is bad","token":%q}`, auth, auth)), nil
	case "/503":
		bare := strings.TrimPrefix(auth, "Bearer ") // nothing around it says what it is
		return reply2(req, 503, fmt.Sprintf(`{"message":"busy with %s, in short %s","password":%q}`, auth, bare, auth)), nil
	case "/broken":
		return reply2(req, 200, `{"access_token":"`+auth+`"`), nil
	case "/redirect":
		resp := reply2(req, 302, "")
		resp.Header.Set("Location", req.URL.Query().Get("to"))
		return resp, nil
	}
	return reply2(req, 200, fmt.Sprintf(`{"echo":{"client_secret":%q,"nested":[{"password":%q}]},"id":1}`, auth, canary+"in-the-answer")), nil
}

func reply2(req *http.Request, status int, body string) *http.Response {
	resp := answer(status, body)
	resp.Request = req
	resp.Header.Set("Set-Cookie", "sid="+canary+"cookie")
	resp.Header.Set("Www-Authenticate", `Bearer realm="`+canary+`realm"`)
	resp.Header.Set("X-Echo-Token", canary+"header")
	return resp
}
