package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fatih/color"

	"github.com/leatdev/leat/pipeline/credential"
)

// credentialsReport is what `credential list -o json` and `logout -o json` print.
type credentialsReport struct {
	Credentials []credentialReport `json:"credentials"`
}

// credentialReport tells how a token is, as far as its store knows. It holds no secret.
type credentialReport struct {
	Name         string            `json:"name"`
	Type         string            `json:"type"`
	Subject      string            `json:"subject,omitempty"`
	Status       credential.Status `json:"status,omitempty"` // "unknown" where it can't be read, absent where nothing is kept
	Generation   uint64            `json:"generation"`
	Obtained     time.Time         `json:"obtained,omitzero"`
	Expires      time.Time         `json:"expires,omitzero"`
	ExpiresIn    *float64          `json:"expires_in_s"` // null: unknown
	RefreshToken bool              `json:"refresh_token"`
	Scopes       []string          `json:"scopes"`
	Store        *storeReport      `json:"store"`                  // null: the memory of each process
	LeaseHolder  string            `json:"lease_holder,omitempty"` // who renews at this moment
	LastError    string            `json:"last_error,omitempty"`

	at    time.Time // when it was made
	login string    // the command that logs in
}

// unknown is the status of a token whose record can't be read.
const unknown credential.Status = "unknown"

type storeReport struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// blank is the report of an account of which nothing is known yet.
func (c *account) blank() credentialReport {
	r := credentialReport{Name: c.plan.Name, Type: c.plan.Host.Type, Subject: c.key.Subject, Scopes: []string{}, at: time.Now(), login: c.command("login")}
	if c.store != nil {
		r.Store = &storeReport{c.plan.Host.Store, c.storeType}
	}
	return r
}

// report tells what rec says, and who has the turn.
func (c *account) report(ctx context.Context, rec credential.Record) credentialReport {
	r := c.blank()
	if c.store == nil {
		return r
	}
	r.Status, r.Generation, r.Obtained, r.Expires = rec.Status(r.at), rec.Generation, rec.Obtained, rec.Expires()
	r.RefreshToken = !rec.Token.Refresh.IsZero()
	r.Scopes = append(r.Scopes, rec.Token.Scopes...)
	if !r.Expires.IsZero() {
		left := r.Expires.Sub(r.at).Round(time.Millisecond).Seconds()
		r.ExpiresIn = &left
	}
	if r.Status == credential.StatusDead {
		r.LastError = "the server has refused the refresh token"
	}
	if inspector, ok := c.store.(credential.Inspector); ok {
		wait, cancel := context.WithTimeout(ctx, storeWait)
		defer cancel()
		var err error
		if r.LeaseHolder, err = inspector.Holder(wait, c.key); err != nil {
			r.LastError = "who renews can't be told: " + err.Error()
		}
	}
	return r
}

// reports tells of all that the stores hold for the file's credentials. What can't be read is in the reports, and the error says so.
func (k *keep) reports(ctx context.Context) (all []credentialReport, fault error) {
	all = []credentialReport{}
	broken := func(c *account, err error) {
		r := c.blank()
		r.Status, r.LastError = unknown, err.Error()
		if exit, ok := errors.AsType[*exitError](err); ok && exit.err != nil {
			r.LastError = strings.TrimPrefix(exit.err.Error(), c.String()+": ")
		}
		all, fault = append(all, r), cmpError(fault, err)
	}
	for _, plan := range k.plan.Credentials {
		c := k.account(plan, "")
		subjects := []string{""}
		if plan.Host.PerSubject && c.store != nil {
			var err error
			if subjects, err = c.subjects(ctx); err != nil {
				broken(c, err)
				continue
			}
			if len(subjects) == 0 {
				all = append(all, c.blank())
			}
		}
		for _, subject := range subjects {
			c := k.account(plan, subject)
			rec, err := c.load(ctx)
			if err != nil {
				broken(c, err)
				continue
			}
			all = append(all, c.report(ctx, rec))
		}
	}
	return all, fault
}

// cmpError returns the first error that is one.
func cmpError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// word is the status as people say it.
func (r credentialReport) word() string {
	if r.Status == credential.StatusClosed {
		return "logged out"
	}
	return cmp.Or(string(r.Status), "–")
}

// place says where the token is kept.
func (r credentialReport) place() string {
	if r.Store == nil {
		return "the memory of each process"
	}
	return r.Store.Name + " (" + r.Store.Type + ")"
}

// printCredentials prints a table.
func (a *app) printCredentials(all []credentialReport) {
	rows := [][]string{{"NAME", "TYPE", "SUBJECT", "STATUS", "EXPIRES", "GENERATION", "STORE"}}
	for _, r := range all {
		row := []string{r.Name, r.Type, cmp.Or(r.Subject, "–"), r.word(), left(r.Expires, r.at), "–", r.place()}
		if r.Generation != 0 {
			row[5] = strconv.FormatUint(r.Generation, 10)
		}
		rows = append(rows, row)
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&b, "%-*s  ", widths[i], cell)
		}
		line := strings.TrimRight(b.String(), " ")
		if n == 0 {
			line = paint(a.std.out, color.Faint, line)
		}
		fmt.Fprintln(a.std.out, line)
	}
}

// printAccount prints all that a report tells.
func (a *app) printAccount(r credentialReport) error {
	if a.json() {
		return a.writeJSON(r)
	}
	fmt.Fprintln(a.std.out, paint(a.std.out, color.Bold, "credential "+r.Name))
	rows := [][2]string{{"type", r.Type}}
	if r.Subject != "" {
		rows = append(rows, [2]string{"subject", r.Subject})
	}
	if r.Store == nil {
		a.rows(append(rows, [2]string{"kept in", r.place() + ": there is nothing to see from here"}))
		return nil
	}
	yes := map[bool]string{true: "yes", false: "no"}
	rows = append(rows, [2]string{"status", r.word()})
	if r.Status == credential.StatusDead || r.Status == credential.StatusClosed {
		rows[len(rows)-1][1] += ": " + r.login + " logs in"
	}
	if r.Status == credential.StatusEmpty {
		rows[len(rows)-1][1] += ": no record"
	}
	a.rows(append(rows, [][2]string{
		{"generation", strconv.FormatUint(r.Generation, 10)}, {"obtained", moment(r.Obtained, r.at)}, {"expires", moment(r.Expires, r.at)},
		{"refresh token", yes[r.RefreshToken]}, {"scopes", cmp.Or(strings.Join(r.Scopes, " "), "–")}, {"kept in", r.place()},
		{"renewing", cmp.Or(r.LeaseHolder, "nobody")}, {"last error", cmp.Or(r.LastError, "–")},
	}...))
	return nil
}

// rows prints names and values below each other.
func (a *app) rows(all [][2]string) {
	width := 0
	for _, r := range all {
		width = max(width, utf8.RuneCountInString(r[0]))
	}
	for _, r := range all {
		fmt.Fprintf(a.std.out, "  %-*s  %s\n", width, r[0], r[1])
	}
}

// moment writes a time as it is by the clock here, and how far it is from now.
func moment(t, now time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Local().Format("2006-01-02 15:04:05 MST") + ", " + left(t, now)
}

// left writes how far a time is.
func left(t, now time.Time) string {
	switch {
	case t.IsZero():
		return "–"
	case t.After(now):
		return "in " + about(t.Sub(now))
	}
	return about(now.Sub(t)) + " ago"
}

// about writes a duration in its two greatest units at most.
func about(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	switch {
	case s < 120:
		return fmt.Sprintf("%ds", s)
	case s < 2*3600:
		return fmt.Sprintf("%dm", (s+30)/60)
	case s < 48*3600:
		return fmt.Sprintf("%dh %dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%d days", s/86400)
}
