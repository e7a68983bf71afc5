package served

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// instance is a stage that the host has opened.
type instance struct {
	stage   *pipeline.ServedStage
	name    string
	needs   pipeline.Needs // what it asks for and is granted
	busy    sync.WaitGroup // exchanges
	closing bool           // of the session's mu
}

// last reports whether the stage's part ends as it hands the request on.
func (in *instance) last() bool { return in.needs.Response == nil }

// close closes the stage; a panic of it is its failure.
func (in *instance) close() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return in.stage.Close()
}

// open makes a stage and answers.
func (ss *session) open(id uint64, o *wire.Open) {
	out := &wire.Opened{}
	if in := ss.make(o, out); in != nil {
		ss.mu.Lock()
		taken := ss.ended || ss.instances[o.GetInstance()] != nil
		if !taken {
			ss.instances[o.GetInstance()] = in
		}
		ss.mu.Unlock()
		if taken {
			_ = in.close() // it was never used
			out.Failure = fmt.Sprintf("instance %d is open already", o.GetInstance())
		}
	}
	_ = ss.pipe.Send(&wire.Frame{Exchange: id, Kind: &wire.Frame_Opened{Opened: out}})
}

// make makes a stage, or says in out why it can't.
func (ss *session) make(o *wire.Open, out *wire.Opened) *instance {
	f, ok := ss.server.factory(o.GetType())
	if !ok {
		out.Mistakes = []*wire.Mistake{{Message: fmt.Sprintf("there is no type %q", o.GetType())}}
		return nil
	}
	cfg, mistakes := decode(f, o.GetConfig())
	if len(mistakes) > 0 {
		out.Mistakes = mistakes
		return nil
	}
	own := f.NeedsOf(cfg)
	in := &instance{name: o.GetStage(), needs: own}
	if o.GetGranted() != nil {
		granted, err := wire.NeedsFrom(o.GetGranted())
		if err != nil {
			out.Failure = fmt.Sprintf("what is granted: %v", err)
			return nil
		}
		in.needs = own.Within(granted)
	}
	stage, err := ss.build(f, cfg, o)
	if err != nil {
		out.Failure = err.Error()
		return nil
	}
	in.stage, out.Needs = stage, wire.NeedsTo(own)
	return in
}

func (ss *session) build(f pipeline.Factory, cfg any, o *wire.Open) (stage *pipeline.ServedStage, err error) {
	defer func() {
		if p := recover(); p != nil {
			stage, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()
	handler := (&logHandler{sink: &ss.logs}).stage(o.GetPipeline(), o.GetStage())
	return ss.stages.Open(f, cfg, pipeline.Settings{
		Pipeline: o.GetPipeline(), Stage: o.GetStage(), Credential: o.GetCredential(), Dir: o.GetDir(), Logger: slog.New(handler),
	})
}

// shut closes an instance once its exchanges are over, and answers.
func (ss *session) shut(id uint64, number uint32) {
	ss.mu.Lock()
	in := ss.instances[number]
	if in != nil {
		in.closing = true
	}
	ss.mu.Unlock()
	ss.spawn(func() {
		out := &wire.Closed{}
		if in == nil {
			out.Failure = fmt.Sprintf("instance %d is not open", number)
		} else {
			in.busy.Wait()
			ss.mu.Lock()
			mine := ss.instances[number] == in
			if mine {
				delete(ss.instances, number)
			}
			ss.mu.Unlock()
			if mine {
				if err := in.close(); err != nil {
					out.Failure = err.Error()
				}
			}
		}
		_ = ss.pipe.Send(&wire.Frame{Exchange: id, Kind: &wire.Frame_Closed{Closed: out}})
	})
}

// callEnded tells a stage of the end of a call.
func (ss *session) callEnded(id uint64, e *wire.Ended) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	in := ss.instances[e.GetInstance()]
	if in == nil || in.closing || ss.ended {
		return
	}
	in.busy.Add(1)
	ss.running.Go(func() {
		defer in.busy.Done()
		in.callEnded(ss, id, e)
	})
}

func (in *instance) callEnded(ss *session, id uint64, e *wire.Ended) {
	x := &exchange{ss: ss, inst: in, id: id, told: true, level: slog.Level(e.GetLogLevel())}
	x.tracing = tracingOf(e.GetTraceparent(), false)
	x.life.x, x.life.session = x, ss.life
	defer x.life.end()
	defer func() {
		if p := recover(); p != nil {
			ss.logs.say(slog.LevelError, "stage panicked as a call ended", slog.String("stage", in.name), slog.Any("panic", p))
		}
	}()
	r := e.GetRequest()
	req := &http.Request{
		Method: r.GetMethod(), Host: r.GetHost(), Header: wire.HeadersFrom(r.GetHeaders()), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: r.GetLength(),
	}
	if u, err := url.Parse(r.GetUrl()); err == nil && r.GetUrl() != "" {
		req.URL = u
		if req.Host == "" {
			req.Host = u.Host
		}
	}
	var failure *pipeline.Error
	if e.GetError() != nil {
		failure = wire.ErrorFrom(e.GetError())
		failure.Header = wire.HeadersFrom(e.GetError().GetHeaders())
	}
	in.stage.CallEnded(x.context(), wire.CallFrom(e.GetCall()), req, int(e.GetStatus()), failure)
}
