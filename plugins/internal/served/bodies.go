package served

import (
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/leatdev/leat/plugins/internal/wire"
)

// maxBody bounds every body, in bytes: no needs can ask for more.
const maxBody = 1 << 30

// maxRoom is the most that is reserved on the word of a first chunk, in bytes.
const maxRoom = 16 << 20

// bodies are those that travel apart from the frames, by the number of their exchange. A number may come again while an exchange that had it is
// still ending: each takes back only what is its own.
type bodies struct {
	mu      sync.Mutex
	claims  map[uint64]*claim   // of exchanges that wait for a body
	arrived map[uint64]*arrival // bodies that came before the frame that they belong to
	leaving map[uint64]*leaving // that the host is to fetch
}

type claim struct{ take func([]byte) }

type leaving struct{ data []byte }

type arrival struct {
	data  []byte
	taken chan struct{}
}

func newBodies() *bodies {
	return &bodies{claims: map[uint64]*claim{}, arrived: map[uint64]*arrival{}, leaving: map[uint64]*leaving{}}
}

// claim has the next body of an exchange handed to take, which must not block; at once if it is there.
func (b *bodies) claim(exchange uint64, take func([]byte)) *claim {
	c := &claim{take}
	b.mu.Lock()
	a := b.arrived[exchange]
	if a == nil {
		b.claims[exchange] = c
		b.mu.Unlock()
		return c
	}
	delete(b.arrived, exchange)
	b.mu.Unlock()
	close(a.taken)
	take(a.data)
	return c
}

// unclaim takes a claim back.
func (b *bodies) unclaim(exchange uint64, c *claim) {
	b.mu.Lock()
	if b.claims[exchange] == c {
		delete(b.claims, exchange)
	}
	b.mu.Unlock()
}

// announce keeps a body until the host fetches it.
func (b *bodies) announce(exchange uint64, data []byte) *leaving {
	l := &leaving{data}
	b.mu.Lock()
	b.leaving[exchange] = l
	b.mu.Unlock()
	return l
}

// withdraw drops a body that the host was not told of.
func (b *bodies) withdraw(exchange uint64, l *leaving) {
	b.mu.Lock()
	if l != nil && b.leaving[exchange] == l {
		delete(b.leaving, exchange)
	}
	b.mu.Unlock()
}

// forget drops what is kept for an exchange.
func (b *bodies) forget(exchange uint64) {
	b.mu.Lock()
	delete(b.claims, exchange)
	delete(b.leaving, exchange)
	b.mu.Unlock()
}

// take reads an uploaded body and hands it over; it waits for the exchange that it is for until the host gives up.
func (b *bodies) take(stream grpc.ClientStreamingServer[wire.Chunk, wire.UploadResponse]) error {
	exchange, data, err := receive(stream)
	if err != nil {
		return err
	}
	b.mu.Lock()
	if c := b.claims[exchange]; c != nil {
		delete(b.claims, exchange)
		b.mu.Unlock()
		c.take(data)
		return nil
	}
	a := &arrival{data, make(chan struct{})}
	b.arrived[exchange] = a
	b.mu.Unlock()
	select {
	case <-a.taken:
		return nil
	case <-stream.Context().Done():
	}
	b.mu.Lock()
	if b.arrived[exchange] == a {
		delete(b.arrived, exchange)
	}
	b.mu.Unlock()
	return status.FromContextError(stream.Context().Err()).Err()
}

func receive(stream grpc.ClientStreamingServer[wire.Chunk, wire.UploadResponse]) (exchange uint64, data []byte, err error) {
	var chunk wire.Chunk
	for first := true; ; first = false {
		chunk.Again()
		err := stream.RecvMsg(&chunk)
		if errors.Is(err, io.EOF) {
			return exchange, data, nil
		}
		if err != nil {
			return 0, nil, err
		}
		if first {
			exchange = chunk.GetExchange()
			data = make([]byte, 0, min(chunk.GetLength(), maxRoom))
		}
		if len(data)+len(chunk.GetData()) > maxBody {
			return 0, nil, status.Error(codes.ResourceExhausted, "a body of more than 1 GiB")
		}
		data = append(data, chunk.GetData()...)
	}
}

// give sends an announced body, once.
func (b *bodies) give(exchange uint64, stream grpc.ServerStreamingServer[wire.Chunk]) error {
	b.mu.Lock()
	l := b.leaving[exchange]
	delete(b.leaving, exchange)
	b.mu.Unlock()
	if l == nil {
		return status.Errorf(codes.NotFound, "no body was announced for exchange %d", exchange)
	}
	chunk := &wire.Chunk{Exchange: exchange}
	for data := l.data; len(data) > 0; {
		n := min(len(data), wire.GoodChunk)
		chunk.Data = data[:n]
		if err := stream.Send(chunk); err != nil {
			return err
		}
		data, chunk.Exchange = data[n:], 0
	}
	return nil
}
