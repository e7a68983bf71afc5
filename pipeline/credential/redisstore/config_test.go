package redisstore

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/leatdev/leat/pipeline/credential"
)

func TestConfig(t *testing.T) {
	secret := credential.Env("X")
	tests := []struct {
		name   string
		change func(*Config)
		path   string // "-": it is right
		want   string
	}{
		{"nothing", func(*Config) {}, "", "needs url or addresses"},
		{"loopback", func(c *Config) { c.URL = "redis://localhost" }, "-", ""},
		{"loopback_v6", func(c *Config) { c.URL = "redis://[::1]:6380/3" }, "-", ""},
		{"socket", func(c *Config) { c.URL = "unix:///run/redis.sock" }, "-", ""},
		{"tls_abroad", func(c *Config) { c.URL = "rediss://redis.example.com" }, "-", ""},
		{"clear_abroad", func(c *Config) { c.URL = "redis://redis.example.com" }, "url", "in clear to redis.example.com:6379"},
		{"clear_abroad_by_name", func(c *Config) { c.URL = "redis://localhost.example.com" }, "url", "in clear"},
		{"clear_abroad_on_purpose", func(c *Config) { c.URL, c.Insecure = "redis://10.0.0.5", true }, "-", ""},
		{"one_address_in_clear", func(c *Config) { c.Addresses, c.Cluster = []string{"127.0.0.1:1", "10.0.0.5:1"}, true }, "addresses", "10.0.0.5:1"},
		{"addresses_with_tls", func(c *Config) { c.Addresses, c.Cluster, c.TLS = []string{"10.0.0.5:1"}, true, &TLS{} }, "-", ""},
		{"sentinels", func(c *Config) {
			c.Addresses, c.Master, c.SentinelPassword, c.DB, c.Insecure = []string{"a:1", "b:1"}, "m", secret, 2, true
		}, "-", ""},
		{"password_in_url", func(c *Config) { c.URL = "redis://:hunter2@localhost" }, "url", "user or password"},
		{"password_in_no_url", func(c *Config) { c.URL = "redis://x:hunter2@%zz" }, "url", "user or password"},
		{"password_in_address", func(c *Config) { c.Addresses, c.Master = []string{"x:hunter2@a:1"}, "m" }, "addresses[0]", "host:port"},
		{"password_in_parameter", func(c *Config) { c.URL = "redis://localhost?password=hunter2" }, "url", "parameters"},
		{"junk", func(c *Config) { c.URL = "http://localhost" }, "url", "no known form"},
		{"no_url", func(c *Config) { c.URL = "redis:localhost" }, "url", "can't be read"},
		{"port", func(c *Config) { c.URL = "redis://localhost:0" }, "url", "port"},
		{"path", func(c *Config) { c.URL = "redis://localhost/x" }, "url", "number of a database"},
		{"two_databases", func(c *Config) { c.URL, c.DB = "redis://localhost/1", 2 }, "db", "another database"},
		{"negative_database", func(c *Config) { c.URL, c.DB = "redis://localhost", -1 }, "db", "negative"},
		{"two_places", func(c *Config) { c.URL, c.Addresses = "redis://localhost", []string{"a:1"} }, "url", "two places"},
		{"addresses_of_what", func(c *Config) { c.Addresses = []string{"localhost:1"} }, "addresses", "Sentinels or of a cluster"},
		{"address_without_port", func(c *Config) { c.Addresses, c.Cluster = []string{"localhost:1", "localhost"}, true }, "addresses[1]", "host:port"},
		{"master_by_url", func(c *Config) { c.URL, c.Master = "redis://localhost", "m" }, "master", "by addresses"},
		{"cluster_by_url", func(c *Config) { c.URL, c.Cluster = "redis://localhost", true }, "cluster", "by addresses"},
		{"both_groups", func(c *Config) { c.Addresses, c.Cluster, c.Master = []string{"localhost:1"}, true, "m" }, "cluster", "not both"},
		{"database_of_a_cluster", func(c *Config) { c.Addresses, c.Cluster, c.DB = []string{"localhost:1"}, true, 1 }, "db", "only database 0"},
		{"sentinel_password_for_nobody", func(c *Config) { c.URL, c.SentinelPassword = "redis://localhost", secret }, "", "no Sentinels"},
		{"user_without_password", func(c *Config) { c.URL, c.Username = "redis://localhost", "u" }, "username", "needs a password"},
		{"prefix_empty", func(c *Config) { c.URL, c.Prefix = "redis://localhost", "" }, "prefix", "visible"},
		{"prefix_with_a_slot", func(c *Config) { c.URL, c.Prefix = "redis://localhost", "{a}" }, "prefix", "braces"},
		{"lease_short", func(c *Config) { c.URL, c.Lease = "redis://localhost", time.Millisecond }, "lease", "from 500ms"},
		{"lease_long", func(c *Config) { c.URL, c.Lease = "redis://localhost", time.Hour }, "lease", "to 1m"},
		{"timeout_none", func(c *Config) { c.URL, c.Timeout = "redis://localhost", 0 }, "timeout", "from 10ms"},
		{"timeout_of_a_flight", func(c *Config) { c.URL, c.Timeout = "redis://localhost", 10*time.Second }, "timeout", "below 10s"},
		{"half_a_pair", func(c *Config) { c.URL, c.TLS = "rediss://a", &TLS{Cert: "x"} }, "tls", "belong together"},
		{"tls_and_none", func(c *Config) { c.URL, c.TLS = "redis://localhost", &TLS{} }, "tls", "without TLS"},
		{"tls_on_a_socket", func(c *Config) { c.URL, c.TLS = "unix:///x", &TLS{} }, "tls", "no TLS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := defaultConfig()
			tt.change(&c)
			err := c.Validate()
			if tt.path == "-" {
				if err != nil {
					t.Errorf("got %v, want none", err)
				}
				return
			}
			m, ok := errors.AsType[*mistake](err)
			if !ok {
				t.Fatalf("got %v, want a mistake", err)
			}
			if m.path != tt.path || !strings.Contains(m.text, tt.want) {
				t.Errorf("got %q at %q, want %q at %q", m.text, m.path, tt.want, tt.path)
			}
			if strings.Contains(err.Error()+m.hint, "hunter") {
				t.Errorf("%q holds a password", err)
			}
			if holds := strings.Contains(c.URL+strings.Join(c.Addresses, ""), "hunter"); holds && !m.secret {
				t.Error("the loader may show the line that holds a password")
			}
		})
	}
}
