//go:build linux || darwin

package host_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/plugins/host"
)

// TestFaultReply has a plugin answer what it must not. The exchange fails, and nothing else: the process goes on.
func TestFaultReply(t *testing.T) {
	t.Parallel()
	type reply struct{ do, want string }
	before := map[string][]reply{
		"narrow": {
			{"header", "changed header x-forbidden, which its grants do not allow"},
			{"header-removed", "changed header x-id, which"},
			{"framing", "changed header transfer-encoding, which belongs to the connection"},
			{"connection", "changed header connection, which belongs"},
			{"length", "changed header content-length, which belongs"},
			{"header-name", "a header whose name is none"},
			{"header-value", "a value of header x-ok that is none"},
			{"authorization", "changed header authorization, which its grants"},
			{"method", "changed the method, which its grants"},
			{"url", "changed the URL, which its grants"},
			{"host", "changed the host, which its grants"},
			{"status", "changed the status of a request"},
			{"body", "changed the body, which its grants"},
			{"attach", `attached credential "another", which its grants`},
			{"skip-credential", "which its grants do not allow"},
			{"rejected", `rejected credential "another", which its grants`},
			{"attempts", "more attempts or events than there can be"},
			{"events", "more attempts or events than there can be"},
			{"judged", "a kind or a class that there is not"},
			{"wait", "asked to wait"},
			{"wait-long", "asked to wait 1000h0m0s"},
			{"read", "read the response's body, which its grants"},
			{"answer", "answered by itself, which its grants"},
			{"both", "returned a response and an error"},
			{"nothing", "returned neither a response nor an error"},
			{"error-kind", "an error of a kind or a class that there is not"},
			{"error-class", "an error of a kind or a class that there is not"},
			{"error-of-result", "the error of a result that was none"},
			{"error-of-body", "the error of a body that did not break off"},
			{"opened", "a frame that is none of an exchange"},
			{"host-frame", "a frame that is none of an exchange"},
			{"kind-unknown", "a frame that is none of an exchange"},
			{"kind-none", "a frame that is none of an exchange"},
			{"frame-garbage", "a frame that can't be read"},
		},
		"wide": {
			{"authorization", "changed header authorization, which its grants"}, // "*" is no credential
			{"method-word", "a method that is none"},
			{"url-word", "a URL that is not absolute, or is neither http nor https"},
			{"body-long", "a body of 65537 bytes within a frame"},
			{"body-apart-long", "more than the 1048576 of body_limit"},
			{"apart-never", "broke off a body apart"},
			{"read", "read a body, and there is no response"},
			{"answer-status", "answered with status 100"},
			{"answer-framing", "changed header transfer-encoding, which belongs"},
			{"connection", "changed header connection, which belongs"},
		},
	}
	after := map[string][]reply{
		"narrow": {
			{"header", "called next more than once, which its grants"},
			{"read", "read the response's body, which its grants"},
			{"answer", "answered by itself, which its grants"},
			{"both", "returned a response and an error"},
			{"error-kind", "an error of a kind or a class that there is not"},
			{"error-of-result", "the error of a result that was none"},
			{"response-header", "changed header x-forbidden, which its grants"},
			{"response-framing", "changed header connection, which belongs"},
			{"response-length", "changed header content-length, which follows the body"},
			{"response-status", "changed the status, which its grants"},
			{"response-body", "changed the response's body, which its grants"},
			{"response-url", "changed the request of a response"},
			{"return-attach", "attached credential"},
			{"kind-none", "a frame that is none of an exchange"},
			{"frame-garbage", "a frame that can't be read"},
		},
		"wide": {
			{"response-framing", "changed header connection, which belongs"},
			{"error-class", "an error of a kind or a class that there is not"},
		},
	}
	for _, typ := range []string{"narrow", "wide"} {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setting{command: []string{"as-bad"}, typ: typ, handler: upOK})
			first := w.send("")
			w.wantOK(first)
			for _, r := range before[typ] {
				a := w.send(r.do)
				w.wantBefore(a, "invalid_reply")
				wantText(t, r.do, a, r.want)
			}
			for _, r := range after[typ] {
				a := w.send("after:" + r.do)
				w.wantAfter(a, "invalid_reply")
				wantText(t, "after:"+r.do, a, r.want)
			}
			last := w.send("")
			w.wantOK(last)
			if last.pid() != first.pid() || first.pid() == 0 {
				t.Errorf("process %d answered, and %d before: such replies end no process", last.pid(), first.pid())
			}
		})
	}

	t.Run("to_exchanges_that_never_were_is_ignored", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{command: []string{"as-bad"}, typ: "narrow", handler: upOK})
		for range 3 {
			w.wantOK(w.send("strangers"))
		}
		until(t, "a record", func() bool { return w.logs.count("plugin sent a frame for an exchange that never was") == 1 })
		w.close()
		if n := w.logs.count("plugin sent a frame for an exchange that never was"); n != 1 {
			t.Errorf("got %d records, want one for all of them", n)
		}
	})

	t.Run("twice_counts_once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{command: []string{"as-bad"}, typ: "narrow", plugin: "max_in_flight = 1", handler: upOK})
		pid := w.send("").pid()
		for range 20 {
			a := w.send("twice")
			w.wantOK(a)
			if a.pid() != pid {
				t.Errorf("got %v of %d, want the first return of %d", a, a.pid(), pid)
			}
		}
	})

	t.Run("with_a_log_record_that_can_not_be_read_is_heard", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{command: []string{"as-bad"}, typ: "narrow", handler: upOK})
		pid := w.send("").pid()
		a := w.send("log-garbage")
		w.wantOK(a)
		if a.pid() != pid {
			t.Errorf("got %v of process %d, want %d", a, a.pid(), pid)
		}
	})

	t.Run("out_of_turn_fails_after_it_was_sent_once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{command: []string{"as-bad"}, typ: "narrow", handler: upOK})
		pid := w.send("").pid()
		for _, do := range []string{"double", "many"} {
			a := w.send(do)
			if w.sent(a) == 0 { // the host may have seen all of them before it acted on the first
				w.wantBefore(a, "invalid_reply")
			} else {
				w.wantAfter(a, "invalid_reply")
			}
		}
		if a := w.send(""); a.pid() != pid {
			t.Errorf("got %v of process %d, want %d", a, a.pid(), pid)
		}
	})

	// What can't be told apart ends the stream, and the process with it: it counts as a crash.
	for _, do := range []string{"batch-garbage", "batch-short", "frame-long", "message-long"} {
		t.Run("that_is_no_frame_ends_the_process/"+do, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setting{command: []string{"as-bad"}, typ: "narrow", handler: upOK, times: host.Shortened{Backoff: 5 * time.Millisecond}})
			first := w.send("")
			w.wantOK(first)
			w.wantBefore(w.send(do), "crash")
			last := w.send("")
			w.wantOK(last)
			if last.pid() == first.pid() {
				t.Errorf("process %d was kept", first.pid())
			}
			w.wantAfter(w.send("after:"+do), "crash")
			w.wantOK(w.send(""))
		})
	}

	t.Run("draining_ends_no_exchange", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setting{command: []string{"as-bad"}, typ: "narrow", handler: upOK})
		first := w.send("")
		<-time.After(time.Second) // a process that wants no more requests right after its start counts as one that failed
		w.wantOK(w.send("drains"))
		last := w.send("")
		w.wantOK(last)
		if last.pid() == first.pid() {
			t.Errorf("process %d got a request after it had said that it wants no more", last.pid())
		}
	})
}

func upOK(rw http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	_, _ = io.WriteString(rw, "up")
}

func wantText(t *testing.T, do string, a answer, want string) {
	t.Helper()
	if a.err != nil && !strings.Contains(a.err.Message, want) {
		t.Errorf("%s: the error\n\t%v\nlacks\n\t%s", do, a.err, want)
	}
}
