package redisstore

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
)

// Config is what a [stores.NAME] table of type "redis" holds. It names one Redis by `url`, or a group by `addresses` with
// `master` (Sentinel) or `cluster`.
type Config struct {
	// URL is one Redis: "redis://host:6379", "rediss://host:6379" with TLS, or "unix:///run/redis.sock". A path is the number of the
	// database. User and password have keys of their own.
	URL string `toml:"url"`
	// Addresses are "host:port" each: the Sentinels if `master` is given, or some nodes of the cluster if `cluster` is true.
	Addresses []string `toml:"addresses"`
	// Master is the name by which the Sentinels know the Redis.
	Master string `toml:"master"`
	// Cluster says that the addresses are nodes of a Redis Cluster.
	Cluster bool `toml:"cluster"`
	// DB is the number of the database; a cluster has only 0.
	DB int `toml:"db"`
	// Username is the ACL user; without one, Redis takes the password for its default user.
	Username string `toml:"username"`
	// Password is read anew for each connection, so that one that was changed is found.
	Password credential.Ref `toml:"password"`
	// SentinelUsername is the ACL user at the Sentinels.
	SentinelUsername string `toml:"sentinel_username"`
	// SentinelPassword is read once, when the store is first used.
	SentinelPassword credential.Ref `toml:"sentinel_password"`
	// TLS says how to speak TLS; an empty table is TLS with the system's roots.
	TLS *TLS `toml:"tls"`
	// Insecure allows a connection to another machine without TLS: passwords cross the network in clear, and so do tokens unless
	// `encryption_keys` are given. Loopback and Unix sockets need no leave.
	Insecure bool `toml:"insecure"`
	// Prefix begins the name of every key and of the channel. Processes that shall share tokens have the same one.
	Prefix string `toml:"prefix"`
	// Lease is how long a turn to renew outlives a process that has stopped; a living one extends it. From 500ms to 1m.
	Lease time.Duration `toml:"lease"`
	// Timeout bounds each question to Redis, connecting and trying again included. Below 10s, which is what a renewal may take.
	Timeout time.Duration `toml:"timeout"`
}

// TLS is the `tls` table. Paths count from the folder of the pipeline file.
type TLS struct {
	// CA is a file of PEM certificates that are trusted in place of the system's.
	CA string `toml:"ca"`
	// Cert and Key are PEM files of the client certificate; they are read again for each connection.
	Cert string `toml:"cert"`
	Key  string `toml:"key"`
	// ServerName is what the server's certificate must be for, in place of the host in the address.
	ServerName string `toml:"server_name"`
}

func defaultConfig() Config {
	return Config{Prefix: "leat:", Lease: 5 * time.Second, Timeout: 3 * time.Second}
}

// place is where Redis is.
type place struct {
	network   string // "tcp" or "unix"
	addresses []string
	db        int
	secure    bool
}

func (p place) String() string { return strings.Join(p.addresses, ", ") }

// Validate refuses what contradicts itself, and a network that is not to be trusted.
func (c Config) Validate() error {
	at, err := c.place()
	errs := []error{err}
	bad := func(wrong bool, path, text, hint string) {
		if wrong {
			errs = append(errs, &mistake{path: path, text: text, hint: hint})
		}
	}
	if err == nil && !at.secure && !c.Insecure {
		for _, a := range at.addresses {
			bad(at.network == "tcp" && !loopback(a), c.addressKey(), "passwords and tokens would cross the network in clear to "+a,
				"use rediss:// or tls = {}, or say insecure = true for a network that nobody else can read")
		}
	}
	bad(c.Master != "" && c.URL != "", "master", "Sentinels are given by addresses, not by url", `addresses = ["host:26379"]`)
	bad(c.Cluster && c.URL != "", "cluster", "the nodes of a cluster are given by addresses, not by url", `addresses = ["host:6379"]`)
	bad(c.Cluster && c.Master != "", "cluster", "a Redis is behind Sentinels or a cluster, not both", "remove master or cluster")
	bad(c.Cluster && c.DB != 0, "db", "a cluster has only database 0", "remove db")
	bad(c.DB < 0, "db", "db must not be negative", "")
	bad(c.Master == "" && (c.SentinelUsername != "" || !c.SentinelPassword.IsZero()), "", "there are no Sentinels without master", `give master = "NAME"`)
	bad(c.Username != "" && c.Password.IsZero(), "username", "a user needs a password", `password = { env = "REDIS_PASSWORD" }`)
	bad(c.SentinelUsername != "" && c.SentinelPassword.IsZero(), "sentinel_username", "a user needs a password", `sentinel_password = { env = "SENTINEL_PASSWORD" }`)
	bad(c.Prefix == "" || strings.ContainsFunc(c.Prefix, unfit), "prefix", "prefix must be of visible characters without braces", `prefix = "leat:"`)
	bad(c.Lease < 500*time.Millisecond || c.Lease > time.Minute, "lease", "lease must be from 500ms to 1m", "")
	bad(c.Timeout < 10*time.Millisecond || c.Timeout >= 10*time.Second, "timeout", "timeout must be from 10ms to below 10s", "")
	if t := c.TLS; t != nil {
		bad((t.Cert == "") != (t.Key == ""), "tls", "cert and key belong together", "")
		bad(err == nil && at.network == "unix", "tls", "a Unix socket has no TLS", "remove tls")
		bad(strings.HasPrefix(c.URL, "redis://"), "tls", "url says redis://, without TLS", "write rediss:// or remove tls")
	}
	return errors.Join(errs...)
}

// unfit reports what a prefix must not hold: braces would decide the cluster's slot.
func unfit(r rune) bool { return r == '{' || r == '}' || r <= ' ' || r == 0x7f }

func (c Config) addressKey() string {
	if c.URL != "" {
		return "url"
	}
	return "addresses"
}

// place works out where Redis is.
func (c Config) place() (place, error) {
	switch {
	case c.URL != "" && len(c.Addresses) > 0:
		return place{}, &mistake{path: "url", text: "url and addresses are two places", hint: "keep one of them"}
	case c.URL != "":
		return c.fromURL()
	case len(c.Addresses) == 0:
		return place{}, &mistake{text: "a redis store needs url or addresses", hint: `url = "redis://localhost:6379"`}
	case c.Master == "" && !c.Cluster:
		return place{}, &mistake{path: "addresses", text: "addresses are of Sentinels or of a cluster", hint: `add master = "NAME" or cluster = true, or give url`}
	}
	for i, a := range c.Addresses {
		if host, port, err := net.SplitHostPort(a); err != nil || host == "" || !validPort(port) {
			return place{}, &mistake{path: fmt.Sprintf("addresses[%d]", i), text: `an address is "host:port"`, hint: "a password has a key of its own", secret: strings.Contains(a, "@")}
		}
	}
	return place{network: "tcp", addresses: c.Addresses, db: c.DB, secure: c.TLS != nil}, nil
}

func (c Config) fromURL() (place, error) {
	const forms = `write "redis://host:6379", "rediss://host:6379" or "unix:///path"`
	u, err := url.Parse(c.URL)
	switch {
	case strings.Contains(c.URL, "@"): // also one that can't be parsed may hold a password
		return place{}, &mistake{path: "url", text: "url must not hold a user or password", hint: `use username and password = { env = "REDIS_PASSWORD" }`, secret: true}
	case err != nil || u.Opaque != "":
		return place{}, &mistake{path: "url", text: "url can't be read", hint: forms, secret: true}
	case u.RawQuery != "" || u.Fragment != "":
		return place{}, &mistake{path: "url", text: "url must not hold parameters", hint: "they have keys of their own", secret: true}
	case u.Scheme == "unix" && u.Host == "" && u.Path != "":
		return place{network: "unix", addresses: []string{u.Path}, db: c.DB}, nil
	case u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "":
		return place{}, &mistake{path: "url", text: "url is of no known form", hint: forms}
	}
	at := place{network: "tcp", db: c.DB, secure: u.Scheme == "rediss"}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	if !validPort(port) {
		return place{}, &mistake{path: "url", text: "url has no valid port", hint: forms}
	}
	at.addresses = []string{net.JoinHostPort(u.Hostname(), port)}
	if path := strings.Trim(u.Path, "/"); path != "" {
		n, err := strconv.Atoi(path)
		switch {
		case err != nil || n < 0:
			return place{}, &mistake{path: "url", text: "the path of url is the number of a database", hint: forms}
		case c.DB != 0 && c.DB != n:
			return place{}, &mistake{path: "db", text: "url names another database", hint: "keep one of them"}
		}
		at.db = n
	}
	return at, nil
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// loopback reports whether an address does not leave the machine.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// mistake is something wrong in the file; the loader asks it for its place, what to write instead, and whether the value may be shown.
type mistake struct {
	path, text, hint string
	secret           bool
}

func (m *mistake) Error() string { return m.text }

// ConfigPath returns the key that the mistake is about, or "" for the table.
func (m *mistake) ConfigPath() string { return m.path }

// Hint returns what to do, or "".
func (m *mistake) Hint() string { return m.hint }

// Secret reports that the value may hold a secret.
func (m *mistake) Secret() bool { return m.secret }
