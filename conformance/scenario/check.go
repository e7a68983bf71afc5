package scenario

import (
	"errors"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/credential"
)

// check judges test i against the pipelines that it is about: what Decode can't see.
func (s *Suite) check(i int) config.Diagnostics {
	t, at := &s.doc.Tests[i], s.test(i)
	o := s.opened[i]
	if t.Expect.Mistakes != nil {
		return s.checkMistaken(i)
	}
	if o.err != nil {
		if diags, ok := errors.AsType[config.Diagnostics](o.err); ok {
			return s.placed(i, diags)
		}
		return config.Diagnostics{at.wrong("", "%v", o.err)}
	}
	c := &checker{plan: o.plan, test: t, mentioned: mentionedSecrets(o.file, o.plan)}
	c.say(strings.TrimSpace(t.Name) == "", at, "name it after what it claims", "the test has no name")
	c.say(len(t.Calls) == 0, at, `begin one with [[test.call]] and request = "GET /…"`, "the test calls nothing")
	c.say(!expects(t), at, "say in [test.call.expect] or [test.expect] what must be true", "the test expects nothing")
	c.files(at.at("files"), t.Files, s)
	c.pipeline(at.at("pipeline"), t.Pipeline)
	named := map[string]bool{}
	for j, call := range t.Calls {
		where := at.at("call", index(j))
		c.say(call.Name != "" && named[call.Name], where.at("name"), "say what is different about this one", "two calls have this name")
		named[call.Name] = true
		if call.Pipeline != "" {
			c.pipeline(where.at("pipeline"), call.Pipeline)
		} else if t.Pipeline == "" {
			name, hint := c.only()
			c.say(hint != "", where, hint, "the call goes through no pipeline")
			c.remote(where, name)
		}
	}
	c.upstreams(at)
	c.changes(at, s)
	c.credentials(at)
	c.secrets(at.at("secrets"), t.Secrets)
	c.diags = append(c.diags, at.answers(t.Answers)...)
	return c.diags
}

func (p place) answers(answers []Answer) config.Diagnostics {
	if err := checkAnswers(answers); err != nil {
		cerr, _ := errors.AsType[*pipeline.ConfigError](err)
		i := strings.Trim(strings.TrimPrefix(cerr.Path, "answers"), "[]")
		return config.Diagnostics{p.at("answers", i).wrong(cerr.Advice, "%s", cerr.Message)}
	}
	return nil
}

// checker collects what is wrong with a test.
type checker struct {
	plan      *pipeline.Plan
	test      *Test
	mentioned []string // secrets
	diags     config.Diagnostics
}

func (c *checker) say(wrong bool, at place, hint, format string, args ...any) {
	if wrong {
		c.diags = append(c.diags, at.wrong(hint, format, args...))
	}
}

func (c *checker) names() (names []string) {
	for _, p := range c.plan.Pipelines {
		if !p.Template {
			names = append(names, p.Name)
		}
	}
	return names
}

// only returns the only pipeline that can be called, or says how to choose.
func (c *checker) only() (name, hint string) {
	names := c.names()
	switch len(names) {
	case 1:
		return names[0], ""
	case 0:
		return "", "the file declares none that can be called"
	}
	for i, name := range names {
		names[i] = strconv.Quote(name)
	}
	return "", "write pipeline = " + strings.Join(names, " or ")
}

func (c *checker) pipeline(at place, name string) {
	if name == "" {
		return
	}
	c.known(at, name, "pipeline", c.names())
	c.remote(at, name)
}

// remote refuses a pipeline with a stage of another process: that knows nothing of a test's time and network.
func (c *checker) remote(at place, name string) {
	for _, p := range c.plan.Pipelines {
		for _, s := range p.Stages {
			c.say(p.Name == name && s.Remote != nil, at, "test a pipeline without that stage, such as the one that this extends",
				"pipeline %s needs %s, and tests run no plugins", name, s.Type)
		}
	}
}

func (c *checker) known(at place, name, what string, known []string) {
	if slices.Contains(known, name) {
		return
	}
	hint := "the file has no " + what
	if len(known) > 0 {
		hint = "there are: " + strings.Join(known, ", ")
	}
	if near, ok := config.Nearest(name, known); ok {
		hint = "did you mean " + near + "?"
	}
	c.say(true, at, hint, "there is no %s %q", what, name)
}

// expects reports whether anything at all is expected.
func expects(t *Test) bool {
	some := func(v any) bool { return !reflect.ValueOf(v).IsZero() }
	return some(t.Expect) || slices.ContainsFunc(t.Calls, func(c Call) bool { return some(c.Expect) }) ||
		slices.ContainsFunc(t.Upstreams, func(u Upstream) bool { return some(u.Expect) })
}

// ownOrigin is the origin of the pipeline that the test is about.
func ownOrigin(plan *pipeline.Plan, t *Test) (string, error) {
	name := t.Pipeline
	if name == "" {
		name, _ = (&checker{plan: plan}).only()
	}
	for _, c := range t.Calls {
		name = orElse(name, c.Pipeline)
	}
	return baseOrigin(plan, name)
}

func baseOrigin(plan *pipeline.Plan, name string) (string, error) {
	for _, p := range plan.Pipelines {
		if p.Name == name && p.Config.BaseURL != "" {
			return parseOrigin(p.Config.BaseURL)
		}
	}
	return "", errors.New("no base_url")
}

// parseOrigin returns scheme://host:port of a URL or of a symbolic origin, the port always written.
func parseOrigin(s string) (string, error) {
	u, err := url.Parse(credential.ExpandSymbol(s))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("no origin")
	}
	return originOf(u), nil
}

func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
