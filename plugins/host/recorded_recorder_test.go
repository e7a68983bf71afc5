//go:build linux || darwin

package host

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// recorder is a plugin that another one stands behind: it hands on each message, and writes down what the other has sent.
type recorder struct {
	behind *grpc.ClientConn

	mu     sync.Mutex
	tape   io.Writer
	stages map[uint32]string // of the instances
}

// beRecorder is its main: the tape, then the command of the other.
func beRecorder(path string, command []string) error {
	tape, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.Background(), command[0], command[1:]...)
	cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("no handshake came: %w", errors.Join(err, cmd.Wait()))
	}
	words := strings.Split(strings.TrimSpace(line), "|")
	if len(words) < 5 || words[2] != "unix" {
		return fmt.Errorf("the handshake was %q", line)
	}
	cc, err := grpc.NewClient("unix:"+words[3], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.Codec{}), grpc.MaxCallRecvMsgSize(wire.MaxMessage)))
	if err != nil {
		return err
	}
	cc.Connect()
	serveRaw((&recorder{behind: cc, tape: tape, stages: map[uint32]string{}}).serve)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	return nil
}

func (r *recorder) write(lines ...tapeLine) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range lines {
		_, _ = io.WriteString(r.tape, l.String())
	}
}

// serve carries one call.
func (r *recorder) serve(method string, host grpc.ServerStream) error {
	plugin, err := r.behind.NewStream(host.Context(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, rawMethod(method))
	if err != nil {
		return err
	}
	call := &recordedCall{recorder: r, method: method}
	go func() {
		for {
			var m rawMessage
			if err := host.RecvMsg(&m); err != nil {
				_ = plugin.CloseSend()
				return
			}
			call.asked(m)
			if plugin.SendMsg(&m) != nil {
				return // the other direction says why
			}
		}
	}()
	for {
		var m rawMessage
		err := plugin.RecvMsg(&m)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		call.answered(m)
		if err := host.SendMsg(&m); err != nil {
			return err
		}
	}
}

// recordedCall is one call of a method.
type recordedCall struct {
	*recorder

	method string

	mu       sync.Mutex
	typ      string // that Check asked about
	exchange uint64 // whose body Download fetches
	chunks   int    // of it
}

// asked notes what the host sends.
func (c *recordedCall) asked(m []byte) {
	switch c.method {
	case "Check":
		var of wire.CheckRequest
		_ = of.UnmarshalVT(m)
		c.mu.Lock()
		c.typ = of.GetType()
		c.mu.Unlock()
	case "Download":
		var of wire.DownloadRequest
		_ = of.UnmarshalVT(m)
		c.mu.Lock()
		c.exchange = of.GetExchange()
		c.mu.Unlock()
	case "Session":
		frames, _ := framesOf(m)
		for _, f := range frames {
			kind, exchange := frameOf(f)
			c.write(tapeLine{mark: ">", kind: kind, exchange: exchange, name: c.stageOf(f)})
		}
	}
}

// answered notes what the plugin sends.
func (c *recordedCall) answered(m []byte) {
	c.mu.Lock()
	typ, exchange, first := c.typ, c.exchange, c.chunks == 0
	c.chunks++
	c.mu.Unlock()
	switch c.method {
	case "Describe":
		c.write(tapeLine{mark: "=", kind: "describe", data: m})
	case "Check":
		c.write(tapeLine{mark: "=", kind: "check", name: typ, data: m})
	case "Download":
		c.write(tapeLine{mark: mark(first), kind: "chunk", exchange: exchange, data: m})
	case "Session":
		frames, _ := framesOf(m)
		lines := make([]tapeLine, len(frames))
		for i, f := range frames {
			kind, exchange := frameOf(f)
			lines[i] = tapeLine{mark: "+", kind: kind, exchange: exchange, data: anonymous(f)}
		}
		if len(lines) > 0 {
			lines[0].mark = "<"
		}
		c.write(lines...)
	}
}

func mark(first bool) string {
	if first {
		return "="
	}
	return "+"
}

// anonymous returns a frame without the folders of who records: a stack names them. Its lengths stay as they are.
func anonymous(frame []byte) []byte {
	dir, _ := os.Getwd()
	for _, folder := range []string{filepath.Dir(filepath.Dir(dir))} {
		if len(folder) > 1 {
			frame = bytes.ReplaceAll(frame, []byte(folder), []byte("/"+strings.Repeat("x", len(folder)-1)))
		}
	}
	return frame
}

// stageOf is the stage that a frame of the host begins something of, by its name in the file.
func (r *recorder) stageOf(frame []byte) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return stageOf(frame, r.stages)
}

// stageOf is the stage that a frame of the host begins something of, "" for other frames. It keeps what it learns of the instances.
func stageOf(frame []byte, instances map[uint32]string) string {
	var f wire.Frame
	if f.UnmarshalVT(frame) != nil {
		return ""
	}
	switch k := f.GetKind().(type) {
	case *wire.Frame_Open:
		instances[k.Open.GetInstance()] = k.Open.GetStage()
		return k.Open.GetStage()
	case *wire.Frame_Do:
		return instances[k.Do.GetInstance()]
	case *wire.Frame_Ended:
		return instances[k.Ended.GetInstance()]
	case *wire.Frame_Close:
		return instances[k.Close.GetInstance()]
	}
	return ""
}
