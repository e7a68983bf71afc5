//go:build linux || darwin

package host

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// player is a plugin that says what another has said when a host told it the same: the frames of a tape, with the numbers that exchanges
// have now.
type player struct {
	describe []byte

	mu     sync.Mutex
	checks map[string][][]byte         // the answers, by type
	waits  map[string][]*tapedExchange // those that did not begin yet, by their beginning
	bodies map[uint64][][][]byte       // of the exchanges of then, in chunks
	then   map[uint64]uint64           // what the exchanges of now were
}

// tapedExchange is what was sent in an exchange, turn by turn.
type tapedExchange struct {
	then  uint64
	turns []tapedTurn
}

// tapedTurn is what was sent after a frame of the host, message by message.
type tapedTurn struct {
	on       string
	messages [][][]byte
}

// bePlayer is its main.
func bePlayer(path string) error {
	lines, err := readTape(path)
	if err != nil {
		return err
	}
	p := &player{checks: map[string][][]byte{}, waits: map[string][]*tapedExchange{}, bodies: map[uint64][][][]byte{}, then: map[uint64]uint64{}}
	p.load(lines)
	serveRaw(func(method string, stream grpc.ServerStream) error {
		err := p.serve(method, stream)
		if err != nil {
			fmt.Fprintln(os.Stderr, "the recorded plugin:", err)
		}
		return err
	})
	return nil
}

func (p *player) load(lines []tapeLine) {
	live := map[uint64]*tapedExchange{}
	var latest *tapedExchange
	for _, l := range lines {
		switch {
		case l.kind == "describe":
			p.describe = l.data
		case l.kind == "check":
			p.checks[l.name] = append(p.checks[l.name], l.data)
		case l.kind == "chunk":
			bodies := p.bodies[l.exchange]
			if l.mark == "=" {
				bodies = append(bodies, nil)
			}
			bodies[len(bodies)-1] = append(bodies[len(bodies)-1], l.data)
			p.bodies[l.exchange] = bodies
		case l.mark == ">":
			if l.name != "-" {
				live[l.exchange] = &tapedExchange{then: l.exchange}
				key := l.kind + " " + l.name
				p.waits[key] = append(p.waits[key], live[l.exchange])
			}
			latest = live[l.exchange]
			latest.turns = append(latest.turns, tapedTurn{on: l.kind})
		default:
			x := live[l.exchange]
			if l.exchange == 0 { // of no exchange: it came when it did
				x = latest
			}
			turn := &x.turns[len(x.turns)-1]
			if n := len(turn.messages); l.mark == "+" && n > 0 {
				turn.messages[n-1] = append(turn.messages[n-1], l.data)
			} else {
				turn.messages = append(turn.messages, [][]byte{l.data})
			}
		}
	}
}

func (p *player) serve(method string, stream grpc.ServerStream) error {
	var m rawMessage
	switch method {
	case "Session":
		return p.session(stream)
	case "Upload":
		for {
			if err := stream.RecvMsg(&m); errors.Is(err, io.EOF) {
				return stream.SendMsg(&rawMessage{})
			} else if err != nil {
				return err
			}
		}
	}
	if err := stream.RecvMsg(&m); err != nil {
		return err
	}
	switch method {
	case "Describe":
		return sendRaw(stream, p.describe)
	case "Check":
		var of wire.CheckRequest
		if err := of.UnmarshalVT(m); err != nil {
			return err
		}
		answer := p.check(of.GetType())
		if answer == nil {
			return fmt.Errorf("it was not asked about a further %s then", of.GetType())
		}
		return sendRaw(stream, answer)
	}
	var of wire.DownloadRequest
	if err := of.UnmarshalVT(m); err != nil {
		return err
	}
	for _, c := range p.body(of.GetExchange()) {
		if err := sendRaw(stream, c); err != nil {
			return err
		}
	}
	return nil
}

// check takes the next answer about a config of that type.
func (p *player) check(typ string) (answer []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if answers := p.checks[typ]; len(answers) > 0 {
		answer, p.checks[typ] = answers[0], answers[1:]
	}
	return answer
}

// body takes the next body that was fetched of an exchange.
func (p *player) body(now uint64) (chunks [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	then := p.then[now]
	if bodies := p.bodies[then]; len(bodies) > 0 {
		chunks, p.bodies[then] = bodies[0], bodies[1:]
	}
	return chunks
}

func sendRaw(stream grpc.ServerStream, data []byte) error {
	m := rawMessage(data)
	return stream.SendMsg(&m)
}

// session answers the host's frames until it ends the stream.
func (p *player) session(stream grpc.ServerStream) error {
	instances, live := map[uint32]string{}, map[uint64]*tapedExchange{}
	for {
		var m rawMessage
		if err := stream.RecvMsg(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		frames, err := framesOf(m)
		if err != nil {
			return err
		}
		for _, f := range frames {
			kind, now := frameOf(f)
			if name := stageOf(f, instances); name != "" {
				if live[now] = p.begin(kind+" "+name, now); live[now] == nil {
					return fmt.Errorf("there was no further %s of %s", kind, name)
				}
			}
			if err := live[now].answer(kind, now, stream); err != nil {
				return err
			}
		}
	}
}

// begin finds the next exchange that began so.
func (p *player) begin(key string, now uint64) *tapedExchange {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waits[key]) == 0 {
		return nil
	}
	x := p.waits[key][0]
	p.waits[key], p.then[now] = p.waits[key][1:], x.then
	return x
}

// answer sends what was sent after such a frame.
func (x *tapedExchange) answer(kind string, now uint64, stream grpc.ServerStream) error {
	if x == nil || len(x.turns) == 0 || x.turns[0].on != kind {
		if kind == "cancel" { // it had ended then before it was told
			return nil
		}
		return fmt.Errorf("exchange %d: no %s came then", now, kind)
	}
	turn := x.turns[0]
	x.turns = x.turns[1:]
	for _, frames := range turn.messages {
		var batch []byte
		for _, f := range frames {
			batch = protowire.AppendBytes(protowire.AppendTag(batch, 1, protowire.BytesType), renumbered(f, now))
		}
		if err := sendRaw(stream, batch); err != nil {
			return err
		}
	}
	return nil
}
