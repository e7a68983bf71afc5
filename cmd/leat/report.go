package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/leatdev/leat/pipeline"
)

// sendReport is what `send -o json` prints.
type sendReport struct {
	Response *responseReport `json:"response"`
	Error    *errorReport    `json:"error"`
	Call     callReport      `json:"call"`
	Spans    []spanReport    `json:"spans"`
}

type responseReport struct {
	Status  int                 `json:"status"`
	Headers map[string][]string `json:"headers"`
	Body    any                 `json:"body"` // JSON as it is, else text
}

type errorReport struct {
	Kind        pipeline.Kind  `json:"kind"`
	Class       pipeline.Class `json:"class"`
	Stage       string         `json:"stage"`
	Status      int            `json:"status"`
	Message     string         `json:"message"`
	Reason      string         `json:"reason,omitempty"`
	ProblemType string         `json:"problem_type,omitempty"`
	Violations  []string       `json:"violations,omitempty"`
}

type callReport struct {
	Pipeline   string        `json:"pipeline"`
	Attempts   int           `json:"attempts"`
	Sends      int           `json:"sends"`
	DurationMS float64       `json:"duration_ms"`
	WaitingMS  float64       `json:"waiting_ms"`
	UpstreamMS float64       `json:"upstream_ms"`
	Events     []eventReport `json:"events"`
}

type eventReport struct {
	AtMS       float64 `json:"at_ms"`
	Stage      string  `json:"stage"`
	Name       string  `json:"name"`
	Attempt    int     `json:"attempt,omitempty"`
	Status     int     `json:"status,omitempty"`
	DurationMS float64 `json:"duration_ms,omitempty"`
	Reason     string  `json:"reason,omitempty"`
	Text       string  `json:"text,omitempty"`
}

func (r *result) report(spans []spanReport) sendReport {
	waiting, upstream := r.call.Times()
	out := sendReport{Spans: spans, Call: callReport{
		Pipeline: r.call.Pipeline(), Attempts: r.call.Attempts(), Sends: r.call.Sends(), DurationMS: millis(r.took),
		WaitingMS: millis(waiting), UpstreamMS: millis(upstream), Events: []eventReport{},
	}}
	for _, e := range r.call.Events() {
		out.Call.Events = append(out.Call.Events, eventReport{
			millis(e.At), e.Stage, e.Name, e.Attempt, e.Status, millis(e.Duration), e.Reason, e.Text,
		})
	}
	switch {
	case r.resp != nil:
		out.Response = &responseReport{Status: r.resp.StatusCode, Headers: r.resp.Header, Body: bodyReport(r.resp.Header, r.body)}
	case r.err != nil && r.err.Status != 0:
		out.Response = &responseReport{Status: r.err.Status, Headers: r.err.Header, Body: bodyReport(r.err.Header, r.err.Body)}
	}
	if kind := r.failed(); kind != "" && r.err == nil {
		out.Error = &errorReport{
			Kind: kind, Class: r.call.Class(), Stage: "", Status: r.resp.StatusCode, Message: r.call.Message(), Reason: r.call.StopReason(),
			ProblemType: r.call.ProblemType(),
		}
	} else if r.err != nil {
		e := r.err
		out.Error = &errorReport{e.Kind, e.Class, e.Stage, e.Status, e.Message, e.Reason, e.ProblemType, e.Violations}
	}
	return out
}

// bodyReport shows a body as JSON where it is, as text where it can be, and by its length otherwise.
func bodyReport(h http.Header, body []byte) any {
	switch {
	case len(body) == 0:
		return nil
	case strings.Contains(h.Get("Content-Type"), "json") && json.Valid(body):
		return json.RawMessage(body)
	case utf8.Valid(body):
		return string(body)
	}
	return body // base64
}
