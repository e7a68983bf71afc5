package scenario

import (
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/credential"
)

// What a test mentions must be there: origins, credentials, secrets, files.

func (c *checker) upstreams(at place) {
	seen, own := map[string]bool{}, c.own()
	e, placeless := c.test.Expect, own == "" && len(c.diags) == 0
	nowhere := "name the origin: [[test.upstream]] and origin = \"https://…\""
	c.say(placeless && c.test.Answers != nil, at.at("answers"), nowhere, "the pipeline has no base_url whose answers these could be")
	c.say(placeless && (e.Sends != nil || e.Sent != nil || e.Connections != nil), at.at("expect"), nowhere, "the pipeline has no base_url whose requests could be counted")
	for i, u := range c.test.Upstreams {
		where, key := at.at("upstream", index(i)), own
		if u.Origin != "" {
			key = c.origin(where.at("origin"), u.Origin)
		} else {
			c.say(placeless, where, `write origin = "https://api.example.com"`, "the pipeline has no base_url that this could be the origin of")
		}
		if key == "" {
			continue
		}
		c.say(seen[key], where, "put all about it in one place", "%s is described twice", shortOrigin(key))
		seen[key] = true
		c.say(key == own && c.test.Answers != nil && u.Answers != nil, where.at("answers"), "keep one of the two", "the answers of %s stand in the test too", shortOrigin(own))
		plain := strings.HasPrefix(key, "http:")
		c.say(plain && u.TLS != "", where.at("tls"), "", "%s has no certificate: it is plain http", shortOrigin(key))
		c.say(plain && u.HTTP2, where.at("http2"), "", "%s does not speak HTTP/2: it is plain http", shortOrigin(key))
		if err := noGarbage(c.test.Answers); err != nil && key == own && u.HTTP2 {
			c.say(true, at.at("answers"), `connect = "stream_error" is a fault of HTTP/2`, "%v, and this upstream speaks HTTP/2", err)
		}
	}
	for i, e := range c.test.Events {
		where := at.at("event", index(i))
		for key, origin := range map[string]string{"down": e.Down, "up": e.Up} {
			if origin == "" {
				continue
			}
			o := c.origin(where.at(key), origin)
			c.say(o != "" && o != own && !seen[o] && !c.isTokenOrigin(o), where.at(key), "describe it with [[test.upstream]]", "the test has no upstream %s", shortOrigin(o))
		}
	}
}

// own is the origin of the pipeline that the test is about, "" if it has none.
func (c *checker) own() string {
	own, _ := ownOrigin(c.plan, c.test)
	return own
}

// origin reads an origin that a test names, and says "" if it is none.
func (c *checker) origin(at place, s string) string {
	o, err := parseOrigin(s)
	if err == nil {
		var u *url.URL
		if u, err = url.Parse(credential.ExpandSymbol(s)); err == nil && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil || u.Fragment != "") {
			err = errors.New("more than an origin")
		}
	}
	if err != nil {
		c.say(true, at, `write scheme, host and port alone: "https://api.example.com"`, "%q is no origin", s)
		return ""
	}
	return o
}

// shortOrigin is an origin as a person writes it.
func shortOrigin(o string) string {
	if strings.HasPrefix(o, "https:") {
		return strings.TrimSuffix(o, ":443")
	}
	return strings.TrimSuffix(o, ":80")
}

func (c *checker) isTokenOrigin(o string) bool {
	return slices.ContainsFunc(endpoints(c.plan), func(e endpoint) bool { return e.origin == o })
}

func (c *checker) credentials(at place) {
	var issued []string
	for _, e := range endpoints(c.plan) {
		issued = append(issued, e.credential)
	}
	const what = "credential with a token endpoint"
	for name := range c.test.Tokens {
		c.known(at.at("tokens", name), name, what, issued)
	}
	for name := range c.test.Expect.Tokens {
		c.known(at.at("expect", "tokens", name), name, what, issued)
	}
	for name := range c.test.Expect.TokenRequests {
		c.known(at.at("expect", "token_requests", name), name, what, issued)
	}
	for name := range c.test.Expect.Sessions {
		c.session(at.at("expect", "sessions", name), name)
	}
	for i, e := range c.test.Events {
		where := at.at("event", index(i))
		for key, name := range map[string]string{"expire": e.Expire, "revoke": e.Revoke} {
			if name != "" {
				c.known(where.at(key), name, what, issued)
			}
		}
		for key, name := range map[string]string{"logout": e.Logout, "login": e.Login, "set_token": e.SetToken} {
			if name != "" {
				c.session(where.at(key), name)
			}
		}
	}
}

// session judges the name of a session: NAME, or NAME/SUBJECT where each subject has one of its own.
func (c *checker) session(at place, name string) {
	base, subject, _ := strings.Cut(name, "/")
	var all []string
	for _, cred := range c.plan.Credentials {
		all = append(all, cred.Name)
		if cred.Name == base {
			c.say(cred.Host.PerSubject && subject == "", at, "write "+base+"/SUBJECT", "each subject of %s has a session of its own", base)
			c.say(!cred.Host.PerSubject && subject != "", at, "write "+base, "%s has one session for all: per_subject is not set", base)
		}
	}
	c.known(at, base, "credential", all)
}

// changes judges what events change: secrets and files.
func (c *checker) changes(at place, s *Suite) {
	for i, e := range c.test.Events {
		where := at.at("event", index(i))
		c.secrets(where.at("secrets"), e.Secrets)
		c.files(where.at("write"), e.Write, s)
	}
}

func (c *checker) files(at place, files map[string]string, s *Suite) {
	c.say(len(files) > 0 && !s.inline, at, "files can be given to pipelines that stand in the test file itself",
		"the pipelines of %s read their files where it is", s.doc.File)
	for name := range files {
		c.say(!filepath.IsLocal(filepath.FromSlash(name)), at.at(name), "write the path as the pipelines do, below the file's own folder", "%q leads out of the test's folder", name)
	}
}

func (c *checker) secrets(at place, secrets map[string]string) {
	for name := range secrets {
		c.known(at.at(name), name, "secret", c.mentioned)
	}
}

var secretForms = []string{"env", "file", "cmd", "secret"}

// mentionedSecrets returns the names of all secrets that a file of pipelines refers to.
func mentionedSecrets(f *config.File, plan *pipeline.Plan) []string {
	names := keys(plan.Secrets)
	for _, table := range []string{"secrets", "credentials", "transports", "stages", "pipelines"} {
		for _, s := range f.Tables(table) {
			v, _ := s.Value()
			names = append(names, references(v)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// references returns the names of the secrets that a value refers to.
func references(v any) (names []string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			names = append(names, references(e)...)
		}
	case map[string]any:
		if list, ok := v["command"].([]any); ok && v["type"] == "command" { // what it would print: no test runs a program
			names = append(names, secretName(list))
		}
		for _, k := range keys(v) {
			if slices.Contains(secretForms, k) && len(v) == 1 {
				names = append(names, secretName(v[k]))
			}
			names = append(names, references(v[k])...)
		}
	}
	return names
}

// secretName is what a test calls the secret of a reference: the variable, or the last part of the path.
func secretName(v any) string {
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	s, _ := v.(string)
	return s[strings.LastIndexByte(s, '/')+1:]
}
