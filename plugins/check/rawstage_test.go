//go:build linux || darwin

package check

import (
	"fmt"
	"strings"
	"time"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// edits are those of each Next.
func (x *rawExchange) edits() *wire.Edits {
	e := &wire.Edits{Headers: []*wire.HeaderEdit{{Name: "x-raw", Values: [][]byte{[]byte("yes")}}}}
	switch x.s.p.bad {
	case "bytes":
		e.Headers[0].Name = "X-Raw"
	case "grants":
		e.Headers = append(e.Headers, &wire.HeaderEdit{Name: "x-other", Values: [][]byte{[]byte("yes")}})
	}
	return e
}

// carry writes a body.
func (x *rawExchange) carry(data []byte) *wire.Body {
	if len(data) <= wire.MaxInline || x.s.p.bad == "inline" {
		return &wire.Body{Data: data}
	}
	x.s.p.mu.Lock()
	defer x.s.p.mu.Unlock()
	x.s.p.down[x.n] = data
	return &wire.Body{Apart: true, Length: uint64(len(data))}
}

// content reads one.
func (x *rawExchange) content(b *wire.Body) []byte {
	if !b.GetApart() {
		return b.GetData()
	}
	defer func() {
		x.s.p.mu.Lock()
		defer x.s.p.mu.Unlock()
		delete(x.s.p.up, x.n)
	}()
	return <-x.s.p.body(x.n)
}

// run is a stage.
func (x *rawExchange) run(typ string) {
	bad := x.s.p.bad
	if bad == "panic always" {
		panic("it always throws")
	}
	switch {
	case typ == "last" || x.st.last:
		if bad == "cancel slow" {
			time.Sleep(100 * time.Millisecond)
		}
		next := &wire.Next{Edits: x.edits(), Last: bad != "last" || typ != "last"}
		if typ == "after" { // it may edit the response alone
			next.Edits = nil
		}
		x.say(&wire.Frame{Kind: &wire.Frame_Next{Next: next}})
		x.forget()
		return
	case typ == "after":
		if bad == "response_only" {
			x.ask(&wire.Frame{Kind: &wire.Frame_Next{Next: &wire.Next{}}})
		}
		x.end(&wire.Return{Edits: &wire.Edits{Headers: []*wire.HeaderEdit{{Name: "x-raw", Values: [][]byte{[]byte("yes")}}}}})
		return
	}
	if strings.HasSuffix(x.do.GetRequest().GetUrl(), "/throw") || x.do.GetCall().GetSubject() == "thrower" {
		panic("it throws")
	}
	if bad == "stdout" {
		fmt.Println("a request")
	}
	level := int32(0)
	if level >= x.do.GetLogLevel() || bad == "log" {
		x.say(&wire.Frame{Kind: &wire.Frame_Log{Log: &wire.Log{Level: level, Message: "a request"}}})
	}
	x.retry(x.content(x.do.GetRequest().GetBody()))
}

// retry sends once more after 503 or an error.
func (x *rawExchange) retry(body []byte) {
	bad := x.s.p.bad
	for attempt := 0; ; attempt++ {
		next := &wire.Next{Edits: x.edits(), Changes: &wire.Changes{Attempts: 1}}
		if body != nil {
			next.Edits.Body = x.carry(body)
		}
		if bad == "changes" {
			next.Changes.Judged = &wire.Outcome{Kind: "oops"}
		}
		f := &wire.Frame{Kind: &wire.Frame_Next{Next: next}}
		if bad == "next" {
			x.say(&wire.Frame{Kind: &wire.Frame_Next{Next: next}})
		}
		if bad == "drop" {
			go x.say(&wire.Frame{Kind: &wire.Frame_Drop{Drop: &wire.Drop{}}})
		}
		a := x.ask(f)
		if a == nil {
			if bad == "cancel" {
				x.end(&wire.Return{Error: &wire.Error{Kind: "canceled"}})
			}
			return
		}
		r := a.GetResult()
		again := r.GetError() != nil || r.GetResponse().GetStatus() == 503
		switch {
		case r.GetEnded() != "" && bad == "left":
			<-x.gone
			return
		case r.GetEnded() != "" || !again || attempt > 0 || x.st.once:
			x.back(r)
			return
		case r.GetResponse() != nil:
			x.say(&wire.Frame{Kind: &wire.Frame_Drop{Drop: &wire.Drop{}}})
		}
		wait := &wire.Frame{Kind: &wire.Frame_Wait{Wait: &wire.Wait{Duration: int64(time.Millisecond)}}}
		if bad == "wait" {
			x.say(wait)
			continue
		}
		if awake := x.ask(wait).GetAwake(); awake.GetEnded() != "" {
			x.end(&wire.Return{Error: &wire.Error{Kind: "canceled"}})
			return
		}
	}
}

// back returns what a Result gave.
func (x *rawExchange) back(r *wire.Result) {
	bad := x.s.p.bad
	out := &wire.Return{}
	if x.do.GetRecording() || bad == "span" {
		out.Spans = []*wire.Span{{Name: "raw", Start: 1, End: 2}}
	}
	switch {
	case r.GetError() != nil:
		e := r.GetError()
		out.Error = &wire.Error{Kind: e.GetKind(), Class: e.GetClass(), Message: e.GetMessage(), OfResult: bad != "error of_result"}
		if bad == "error" {
			out.Error.Kind = "oops"
		}
	case !r.GetResponse().GetStream() || bad == "read":
		b := x.ask(&wire.Frame{Kind: &wire.Frame_Read{Read: &wire.Read{}}}).GetBody()
		if data := x.content(b); b.GetError() == nil && !b.GetMore() && len(data) > 0 {
			out.Edits = &wire.Edits{Body: x.carry(data)}
		}
	}
	x.end(out)
}
