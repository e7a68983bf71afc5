package credential

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/redact"
)

// fleet is what several processes share: a store, whose turns a live process keeps and a killed one loses after a while, and a
// server that takes each refresh token once and revokes the whole family at the second time.
type fleet struct {
	mu      sync.Mutex
	changed chan struct{} // closed at each change
	records map[Key]Record
	turns   map[Key]*fleetLease
	told    map[int]func(Key)
	tellers int
	ops     []string
	deaf    atomic.Bool // nobody is told

	server *familyServer
}

const turnOutlives = 5 * time.Second // its killed holder

func newFleet(life time.Duration) *fleet {
	return &fleet{
		changed: make(chan struct{}), records: map[Key]Record{}, turns: map[Key]*fleetLease{}, told: map[int]func(Key){},
		server: &familyServer{life: life, current: map[int]string{}, used: map[string]int{}},
	}
}

// process is one member of the fleet.
type process struct {
	*fleet
	name string

	mu     sync.Mutex
	fault  func(op string) error // of each call of the store; a nil error lets it through
	hang   bool                  // calls of the store end with their context
	dead   chan struct{}         // closed by kill
	killed time.Time
	logs   *logLines
}

func (f *fleet) process(name string) *process {
	return &process{fleet: f, name: name, dead: make(chan struct{}), logs: &logLines{}}
}

// session returns the session of the process, which the test closes.
func (p *process) session(t *testing.T, c SessionConfig) *Session {
	t.Helper()
	c.Name, c.Store, c.StoreName = "demo", p, "fleet"
	if c.Source == nil {
		c.Source = &member{process: p}
	}
	c.Logger = logger(p)
	s := NewSession(c)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// kill ends the process as SIGKILL does: nothing that it does from now on has an effect.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed.IsZero() {
		p.killed = time.Now()
		close(p.dead)
	}
}

func (p *process) set(fault func(op string) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

func (p *process) setHang(hang bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hang = hang
}

var errKilled = errors.New("killed")

// enter begins a call of the store.
func (p *process) enter(ctx context.Context, op string) error {
	p.mu.Lock()
	hang, fault := p.hang, p.fault
	p.mu.Unlock()
	select {
	case <-p.dead:
		return errKilled
	default:
	}
	p.note(p.name + " " + op)
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if fault != nil {
		return fault(op)
	}
	return nil
}

func (f *fleet) note(op string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ops = append(f.ops, op)
}

// did counts the calls of the store.
func (p *process) did(op string) int {
	p.fleet.mu.Lock()
	defer p.fleet.mu.Unlock()
	n := 0
	for _, o := range p.ops {
		if o == p.name+" "+op {
			n++
		}
	}
	return n
}

func (p *process) Load(ctx context.Context, key Key) (Record, error) {
	if err := p.enter(ctx, "load"); err != nil {
		return Record{}, err
	}
	p.fleet.mu.Lock()
	defer p.fleet.mu.Unlock()
	return p.records[key], nil
}

func (p *process) Save(ctx context.Context, key Key, prev uint64, r Record) error {
	if err := p.enter(ctx, "save"); err != nil {
		return err
	}
	p.fleet.mu.Lock()
	if p.records[key].Generation != prev {
		p.fleet.mu.Unlock()
		return ErrConflict
	}
	p.records[key] = r
	p.fleet.mu.Unlock()
	p.tell(key)
	return nil
}

// tell wakes those who wait, and calls those who want to know.
func (f *fleet) tell(key Key) {
	f.mu.Lock()
	close(f.changed)
	f.changed = make(chan struct{})
	var all []func(Key)
	if !f.deaf.Load() {
		for _, told := range f.told {
			all = append(all, told)
		}
	}
	f.mu.Unlock()
	for _, told := range all {
		told(key)
	}
}

func (p *process) Notify(f func(Key)) func() {
	p.fleet.mu.Lock()
	defer p.fleet.mu.Unlock()
	p.tellers++
	n := p.tellers
	p.told[n] = f
	return func() {
		p.fleet.mu.Lock()
		defer p.fleet.mu.Unlock()
		delete(p.told, n)
	}
}

func (p *process) Lease(ctx context.Context, key Key, seen uint64) (Lease, Record, error) {
	if err := p.enter(ctx, "lease"); err != nil {
		return nil, Record{}, err
	}
	for {
		p.fleet.mu.Lock()
		r, changed, holder := p.records[key], p.changed, p.turns[key]
		if r.Generation != 0 && r.Generation != seen {
			p.fleet.mu.Unlock()
			return nil, r, nil
		}
		if holder == nil || holder.over() {
			l := &fleetLease{process: p, key: key}
			p.turns[key] = l
			p.fleet.mu.Unlock()
			return l, r, nil
		}
		p.fleet.mu.Unlock()
		select {
		case <-changed:
		case <-time.After(time.Second): // the holder may have been killed
		case <-p.dead:
			return nil, Record{}, errKilled
		case <-ctx.Done():
			return nil, Record{}, ctx.Err()
		}
	}
}

type fleetLease struct {
	*process
	key Key
}

func (l *fleetLease) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.killed.IsZero() && time.Since(l.killed) >= turnOutlives
}

func (l *fleetLease) Held() bool {
	l.fleet.mu.Lock()
	defer l.fleet.mu.Unlock()
	return l.turns[l.key] == l
}

func (l *fleetLease) Release() {
	select {
	case <-l.dead:
		return
	default:
	}
	l.fleet.mu.Lock()
	if l.turns[l.key] == l {
		delete(l.turns, l.key)
	}
	l.fleet.mu.Unlock()
	l.tell(Key{})
}

// loseTurns is what a store does that restarts without its turns.
func (f *fleet) loseTurns() {
	f.mu.Lock()
	clear(f.turns)
	f.mu.Unlock()
	f.tell(Key{})
}

// forget is what a store does that restarts empty.
func (f *fleet) forget() {
	f.mu.Lock()
	clear(f.turns)
	clear(f.records)
	f.mu.Unlock()
	f.tell(Key{Credential: "demo"})
}

func (f *fleet) record() Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.records[Key{Credential: "demo"}]
}

// familyServer is the OAuth server of a fleet.
type familyServer struct {
	life    time.Duration
	latency time.Duration

	mu       sync.Mutex
	families int
	current  map[int]string // the refresh token of each family that is alive
	used     map[string]int // refresh token → its family
	answers  []string       // of the refresh requests in turn, then "ok"

	running, most     int
	refreshes, reuses int
	obtains           int
	serial            int
	lastRefresh       string
}

// member is a process's source: only a login gives a token, unless it is able.
type member struct {
	*process
	able   bool // Obtain gives one too
	spends bool
}

func (m *member) Spends() bool { return m.spends }

func (m *member) Obtain(ctx context.Context) (Token, error) {
	if !m.able {
		return Token{}, ErrLoginRequired
	}
	m.server.mu.Lock()
	m.server.obtains++
	m.server.mu.Unlock()
	return m.Login(ctx, nil)
}

func (m *member) Login(ctx context.Context, _ map[string]redact.Secret) (Token, error) {
	if err := m.travel(ctx); err != nil {
		return Token{}, err
	}
	v := m.server
	v.mu.Lock()
	v.families++
	t := v.issue(v.families)
	v.mu.Unlock()
	return t, m.travel(ctx)
}

func (m *member) Refresh(ctx context.Context, prev Token) (Token, error) {
	v := m.server
	v.mu.Lock()
	v.running++
	v.most = max(v.most, v.running)
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.running--
	}()
	if err := m.travel(ctx); err != nil {
		return Token{}, err
	}
	t, err := v.refresh(prev.Refresh.Reveal())
	if late := m.travel(ctx); late != nil {
		return Token{}, late
	}
	return t, err
}

// travel takes as long as half a request; a killed process never learns of the rest.
func (m *member) travel(ctx context.Context) error {
	select {
	case <-m.dead:
		return errKilled
	default:
	}
	m.server.mu.Lock()
	half := m.server.latency / 2
	m.server.mu.Unlock()
	select {
	case <-time.After(half):
		return nil
	case <-ctx.Done():
		return &Failure{Op: "refresh", Refresh: true, Err: ctx.Err()}
	case <-m.dead:
		return errKilled
	}
}

func (v *familyServer) refresh(token string) (Token, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refreshes++
	v.lastRefresh = token
	answer := "ok"
	if len(v.answers) > 0 {
		answer, v.answers = v.answers[0], v.answers[1:]
	}
	switch answer {
	case "503":
		return Token{}, &Failure{Op: "refresh", Refresh: true, Status: 503}
	case "403":
		return Token{}, &Failure{Op: "refresh", Refresh: true, Status: 403}
	case "lost":
		return Token{}, &Failure{Op: "refresh", Refresh: true, Err: errors.New("reset")}
	}
	family := v.used[token]
	switch {
	case family == 0 || v.current[family] == "":
		return Token{}, invalidGrant()
	case v.current[family] != token:
		v.reuses++
		delete(v.current, family)
		return Token{}, invalidGrant()
	}
	t := v.issue(family)
	if answer == "swallowed" {
		return Token{}, &Failure{Op: "refresh", Refresh: true, Err: errors.New("reset")}
	}
	return t, nil
}

func (v *familyServer) issue(family int) Token {
	v.serial++
	refresh := fmt.Sprintf("refresh-%d-%d", family, v.serial)
	v.current[family], v.used[refresh] = refresh, family
	return Token{Access: redact.NewSecret(fmt.Sprintf("access-%d-%d", family, v.serial)), Refresh: redact.NewSecret(refresh), Lifetime: v.life}
}

func (v *familyServer) setLatency(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.latency = d
}

// revoke ends the family of the last login.
func (v *familyServer) revoke() {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.current, v.families)
}

func (v *familyServer) counts() (refreshes, reuses, most int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.refreshes, v.reuses, v.most
}

// logLines keeps what was logged.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (*logLines) Enabled(context.Context, slog.Level) bool { return true }
func (l *logLines) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l *logLines) WithGroup(string) slog.Handler          { return l }
func (l *logLines) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, r.Message)
	return nil
}

func (l *logLines) count(message string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, line := range l.lines {
		if line == message {
			n++
		}
	}
	return n
}

func logger(p *process) *slog.Logger { return slog.New(p.logs) }

// lossy is a process whose calls of Save come through, and whose answers do not.
type lossy struct {
	*process
	lose func() bool
}

func (l *lossy) Save(ctx context.Context, key Key, prev uint64, r Record) error {
	err := l.process.Save(ctx, key, prev, r)
	if err == nil && l.lose() {
		return errors.New("the connection ended")
	}
	return err
}
