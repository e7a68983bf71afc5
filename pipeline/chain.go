package pipeline

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/leatdev/leat/pipeline/cond"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
)

// chain is one compiled pipeline: immutable, swapped as a whole.
type chain struct {
	name   string
	base   *url.URL
	first  http.RoundTripper
	stages []StageInfo

	timeout, attemptTimeout, bodyIdleTimeout time.Duration

	headerTimeout time.Duration // response_header_timeout; 0: the program's own transport, whose limits are its own
	transport     string        // the table that says so

	maxReplayBuffer int64
	bufferResponse  int64
	credentials     map[string]*boundCredential
	redactor        *redact.Redactor
	logger          *slog.Logger
	telemetry       *telemetry
	observe         func(*Call, Event)
	flow            *flow
	hosts           *Hosts
	observers       []observer // innermost first
	starters        []Starter
}

// observer is a stage that hears of every call.
type observer struct {
	stage CallObserver
	when  cond.When
}

// ended tells the observers of a call that it is over; in is the request that conditions see.
func (ch *chain) ended(in *http.Request, c *Call, req *http.Request) {
	for i := range ch.observers {
		o := &ch.observers[i]
		if !o.when.IsZero() && in.URL != nil {
			if on, err := o.when.Eval(RequestEnv(in)); err == nil && !on {
				continue
			}
		}
		o.stage.CallEnded(in.Context(), c, req)
	}
}

func (ch *chain) begin() bool { return ch.flow.begin() }
func (ch *chain) leave()      { ch.flow.leave() }

// flow counts the calls under way, so that a runner can be closed without cutting one.
type flow struct {
	mu     sync.RWMutex // held for reading by every call that begins, for writing by close
	closed bool
	calls  sync.WaitGroup
}

func (f *flow) begin() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.closed {
		return false
	}
	f.calls.Add(1)
	return true
}

func (f *flow) leave() { f.calls.Done() }

// close lets nobody in any more and waits for those inside; each is bounded by its pipeline's timeout.
func (f *flow) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.calls.Wait()
}

// boundCredential is a credential with the places it may go to.
type boundCredential struct {
	name     string
	origins  []credential.Origin
	insecure bool
	pool     *credential.Pool
}

// refuses says why the credential must not go to u, "" if it may.
func (b *boundCredential) refuses(u *url.URL) string {
	for i := range b.origins {
		o := &b.origins[i]
		if !o.Match(u) {
			continue
		}
		if u.Scheme == "http" && !b.insecure && !o.IsLoopback() {
			return "insecure"
		}
		return ""
	}
	return "foreign_origin"
}

// sessionError makes the *Error of a call that could not get its token. The session's error is shared by all who wait, so it is
// wrapped, never changed.
func (ch *chain) sessionError(err error) *Error {
	e := &Error{Kind: KindUnauthorized, Class: ClassTerminal, Reason: "no_credential", Stage: stageSend, Message: ch.redactor.Text(err.Error()), Err: err}
	own, ok := errors.AsType[*credential.Error](err)
	if !ok {
		return e
	}
	if own.Status == credential.StatusDead || own.Status == credential.StatusClosed {
		return e
	}
	e.RetryAfter = own.RetryAfter
	failure, ok := errors.AsType[*credential.Failure](err)
	switch {
	case !ok:
	case failure.Op == "read": // a secret that can't be read stays so until somebody mends it
	case failure.Status >= 500, failure.Status == http.StatusTooManyRequests:
		e.Kind, e.Class = KindOfStatus(failure.Status), ClassNotSent
	case failure.Status == 0:
		e.Kind, e.Class = kindOfTransport(err), ClassNotSent
		if isCertificate(err) || isTLSTransport(err) {
			e.Kind = KindTLS
		}
	}
	return e
}

// symbolic returns the name of the upstream that must serve the pipeline, "" if its base is an ordinary URL.
func symbolic(base *url.URL) string {
	if base == nil {
		return ""
	}
	return credential.SymbolOf(strings.ToLower(base.Hostname()))
}
