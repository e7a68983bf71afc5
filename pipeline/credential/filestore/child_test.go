package filestore

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
)

// child is what a process does.
func child(mode string) int {
	go func() { // nobody is left to report to
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(2)
	}()
	switch sessions, _ := strconv.Atoi(os.Getenv("SESSIONS")); mode {
	case "victim":
		return victim(os.Getenv("STEP"))
	case "survivor":
		return survivor(sessions)
	case "load":
		return load(sessions)
	}
	return 2
}

// openSession returns a session of a store of its own, as another process has it.
func openSession(wrapSource func(credential.Source) credential.Source, wrapStore func(*Store) credential.Store) *credential.Session {
	fail := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	var c credential.SessionConfig
	for _, f := range credential.BuiltIn() {
		if f.Type() != "oauth2" {
			continue
		}
		cfg := f.Config().(*credential.OAuth2Config)
		cfg.Grant, cfg.TokenURL, cfg.ClientID, cfg.ClientAuth = "refresh_token", os.Getenv("SERVER")+"/token", credential.Text{Literal: "client"}, "none"
		source, place, err := f.Build(cfg, credential.Settings{Name: demo.Credential, Transport: named{&http.Transport{}}})
		fail(err)
		c = credential.SessionConfig{Name: demo.Credential, Source: source, Place: place, StoreName: "tokens"}
	}
	store, err := New(Config{Dir: os.Getenv("DIR")}, credential.StoreSettings{Name: "tokens"})
	fail(err)
	c.Store = store
	if wrapSource != nil {
		c.Source = wrapSource(c.Source)
	}
	if wrapStore != nil {
		c.Store = wrapStore(store)
	}
	return credential.NewSession(c)
}

// named says who asks.
type named struct{ http.RoundTripper }

func (n named) RoundTrip(req *http.Request) (*http.Response, error) {
	req.Header.Set("X-Process", strconv.Itoa(os.Getpid()))
	return n.RoundTripper.RoundTrip(req)
}

// victim renews and stops at the step, where the test kills it.
func victim(where string) int {
	s := openSession(func(in credential.Source) credential.Source { return stoppingSource{in, where} },
		func(in *Store) credential.Store {
			in.before = func(at step, _ string) error {
				stopAt(where, string(at))
				return nil
			}
			return stoppingStore{in, where}
		})
	_, err := s.Acquire(context.Background())
	fmt.Println("renewed", err)
	return 3
}

func stopAt(step, here string) {
	if step == here {
		fmt.Println("at", here)
		select {}
	}
}

type stoppingSource struct {
	credential.Source
	step string
}

func (s stoppingSource) Refresh(ctx context.Context, prev credential.Token) (credential.Token, error) {
	stopAt(s.step, "turn")
	t, err := s.Source.Refresh(ctx, prev)
	stopAt(s.step, "answered")
	return t, err
}

type stoppingStore struct {
	credential.Store
	step string
}

func (s stoppingStore) Save(ctx context.Context, key credential.Key, prev uint64, r credential.Record) error {
	stopAt(s.step, "save")
	err := s.Store.Save(ctx, key, prev, r)
	stopAt(s.step, "saved")
	return err
}

// outcome is what a survivor's session came to.
type outcome struct {
	Access, Error, Second string
	Took                  time.Duration
}

// survivor has sessions of its own stores ask for a token at once, and then once more.
func survivor(sessions int) int {
	var running sync.WaitGroup
	out := make([]outcome, sessions)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := range out {
		running.Go(func() {
			s, begin := openSession(nil, nil), time.Now()
			defer s.Close()
			n, err := s.Acquire(ctx)
			out[i].Took = time.Since(begin)
			if err != nil {
				out[i].Error = err.Error()
			} else {
				out[i].Access = n.Token().Access.Reveal()
			}
			if _, err := s.Acquire(ctx); err != nil {
				out[i].Second = err.Error()
			}
		})
	}
	fmt.Println("waiting")
	running.Wait()
	b, err := json.Marshal(out)
	if err != nil {
		return 2
	}
	fmt.Println("result " + string(b))
	return 0
}

// load has sessions call the API, each by several callers, until the time is over.
func load(sessions int) int {
	until, _ := time.ParseDuration(os.Getenv("FOR"))
	ctx, cancel := context.WithTimeout(context.Background(), until)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 20}}
	var running sync.WaitGroup
	var mu sync.Mutex
	failed := map[string]int{}
	calls := 0
	count := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		if text != "" {
			failed[text]++
		}
	}
	for range sessions {
		s := openSession(nil, nil)
		defer s.Close()
		for range 4 {
			running.Go(func() {
				for ctx.Err() == nil {
					count(call(client, s))
					_ = pause(ctx, 10*time.Millisecond)
				}
			})
		}
	}
	running.Wait()
	b, _ := json.Marshal(map[string]any{"Calls": calls, "Failed": failed})
	fmt.Println("result " + string(b))
	return 0
}

// call returns what went wrong, or "".
func call(client *http.Client, s *credential.Session) string {
	n, err := s.Acquire(context.Background())
	if err != nil {
		return err.Error()
	}
	req, _ := http.NewRequest(http.MethodGet, os.Getenv("SERVER")+"/api", nil)
	req.Header.Set("Authorization", "Bearer "+n.Token().Access.Reveal())
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return resp.Status
	}
	return ""
}
