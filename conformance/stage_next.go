package conformance

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// playedNext is the next that the tested stage is given. It keeps a picture of every request, and hands a copy on to the last link, so
// that a rule may do to the request itself whatever an inner stage could do.
type playedNext struct {
	visit *visit
	next  http.RoundTripper
}

// sending is one request that the stage gave to next.
type sending struct {
	visit *visit
	n     int // among those of its call, from 1
	req   *http.Request
	given picture // of req, as it was given

	reached bool   // the upstream
	body    []byte // that it read
	bodyErr error
	reply   reply // that it gave

	wraps    wrapping // noted for body-intact alone, as are
	again    []byte   // the bytes of GetBody
	againErr error

	resp   *http.Response // what next returned
	err    error
	answer *answerBody // of resp; nil: it has none
	at     time.Time   // when next returned
	over   atomic.Bool // it did
	later  []string    // what was changed of req while next had it
}

type sendingKey struct{}

// RoundTrip implements http.RoundTripper.
func (n *playedNext) RoundTrip(req *http.Request) (*http.Response, error) {
	v := n.visit
	c := v.call
	c.bench.sends.Add(1)
	c.bench.steps.Add(1)
	s := &sending{visit: v, req: req, given: pictureOf(req)}
	s.n = int(c.sent.Add(1))
	v.mu.Lock()
	v.sent = append(v.sent, s)
	v.mu.Unlock()

	out := req.WithContext(context.WithValue(req.Context(), sendingKey{}, s))
	out.Header = req.Header.Clone()
	if req.URL != nil {
		out.URL = new(url.URL)
		*out.URL = *req.URL
	}
	if c.given != nil {
		c.given(s)
	}
	resp, err := n.next.RoundTrip(out)
	s.resp, s.err, s.at = resp, err, time.Now()
	if resp != nil && resp.Body != http.NoBody {
		resp.Body = s.count(resp.Body)
	}
	s.later = s.given.differences(pictureOf(req))
	s.over.Store(true)
	if c.answered != nil {
		c.answered(s)
	}
	return resp, err
}

// id is what the answer to this sending carries as X-Kit-Answer.
func (s *sending) id() string { return s.visit.call.id + "-" + strconv.Itoa(s.n) }

// picture is what a request was like at a moment.
type picture struct {
	method, url, host string
	header, trailer   http.Header
	length            int64
	coding            []string
	body              io.ReadCloser
	getBody           bool
}

func pictureOf(req *http.Request) picture {
	p := picture{
		method: req.Method, host: req.Host, header: req.Header.Clone(), trailer: req.Trailer.Clone(), length: req.ContentLength,
		coding: slices.Clone(req.TransferEncoding), body: req.Body, getBody: req.GetBody != nil,
	}
	if req.URL != nil {
		p.url = req.URL.String()
	}
	return p
}

// differences says in words what of p is otherwise in q. The texts hold names, no values: those may be secret.
func (p picture) differences(q picture) []string {
	var all []string
	changed := func(what string, yes bool) {
		if yes {
			all = append(all, what)
		}
	}
	changed("the method", p.method != q.method)
	changed("the URL", p.url != q.url)
	changed("the host", p.host != q.host)
	for _, h := range []struct {
		what string
		p, q http.Header
	}{{"header", p.header, q.header}, {"trailer", p.trailer, q.trailer}} {
		for _, name := range slices.Sorted(maps.Keys(union(h.p, h.q))) {
			changed(fmt.Sprintf("%s %s", h.what, name), !slices.Equal(h.p[name], h.q[name]))
		}
	}
	changed("ContentLength", p.length != q.length)
	changed("TransferEncoding", !slices.Equal(p.coding, q.coding))
	changed("Body", !sameBody(p.body, q.body))
	changed("GetBody", p.getBody != q.getBody)
	return all
}

func union(a, b http.Header) http.Header {
	all := maps.Clone(a)
	if all == nil {
		all = http.Header{}
	}
	maps.Copy(all, b)
	return all
}

func sameBody(a, b io.ReadCloser) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return reflect.TypeOf(a) == reflect.TypeOf(b) && (!reflect.TypeOf(a).Comparable() || a == b)
}

func list(what []string) string { return strings.Join(what, ", ") }
