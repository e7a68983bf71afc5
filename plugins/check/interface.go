package check

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/leatdev/leat/plugins/host"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// service is the name under which go-plugin asks for a plugin's health.
const service = "plugin"

// unary bounds a call that is answered once.
func unary(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, patience)
}

// told says why such a call failed, as a breach of a rule.
func (c *checker) told(p *process, rule, what string, err error) error {
	if p.ends(parting) {
		return breach(rule, "the process %s at %s%s", p.trial.Ended(), what, p.trial.LastWords())
	}
	if status.Code(err) == codes.DeadlineExceeded {
		c.silence()
		return breach(rule, "%s was not answered within %s", what, patience)
	}
	return breach(rule, "%s was answered with %s: %s", what, status.Code(err), status.Convert(err).Message())
}

// describe asks what the plugin serves.
func (c *checker) describe(ctx context.Context, p *process) error {
	var first *wire.DescribeResponse
	for _, q := range []struct {
		rule string
		req  *wire.DescribeRequest
	}{
		{"wire.describe", &wire.DescribeRequest{HostVersion: "check"}},
		{"wire.capabilities", &wire.DescribeRequest{HostVersion: "check", Capabilities: []string{"check-unknown"}}},
	} {
		bounded, cancel := unary(ctx)
		answer, err := p.client.Describe(bounded, q.req)
		cancel()
		if err != nil && status.Code(err) == codes.Unavailable && first == nil {
			return breach("wire.handshake", "it printed the line, and no gRPC server answers on its socket: %s", status.Convert(err).Message())
		}
		if err != nil {
			return c.told(p, q.rule, "Describe", err)
		}
		if first != nil && !proto.Equal(first, answer) {
			c.broken("wire.describe", "Describe answered something else the second time")
		}
		first = answer
	}
	if r := first.GetRequires(); len(r) > 0 {
		c.kept("wire.describe")
		return breach("wire.capabilities", "it requires %q, and no host has that", r)
	}
	iface, err := host.Read(first)
	if err != nil {
		return breach("wire.describe", "what it says about itself can't be used: %v", err)
	}
	c.iface = iface
	c.kept("wire.describe")
	return nil
}

// health asks how it is.
func (c *checker) health(ctx context.Context, p *process) error {
	ctx, cancel := unary(ctx)
	defer cancel()
	answer, err := grpc_health_v1.NewHealthClient(p.cc).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
	if err != nil {
		return c.told(p, "wire.health", "the health of the service \"plugin\"", err)
	}
	if answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		return breach("wire.health", "the service \"plugin\" is %s", answer.GetStatus())
	}
	c.kept("wire.health")
	return nil
}

// shutdown asks it to end.
func (c *checker) shutdown(ctx context.Context, p *process) error {
	ctx, cancel := unary(ctx)
	defer cancel()
	err := p.cc.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
	switch code := status.Code(err); {
	case err == nil:
	case code == codes.Unavailable && p.ends(parting): // go-plugin's own server ends before its answer is out, now and then
	default:
		return c.told(p, "wire.shutdown", "Shutdown", err)
	}
	if !p.ends(farewell) {
		return breach("wire.shutdown", "it answered Shutdown, and ran still %s later", farewell)
	}
	c.kept("wire.shutdown")
	return nil
}

// judges asks for its judgement of configs.
func (c *checker) judges(ctx context.Context, p *process) error {
	for _, st := range c.stages {
		answer, err := c.judged(ctx, p, st.Type, st.Config)
		if err != nil {
			return err
		}
		if m := answer.GetMistakes(); len(m) > 0 {
			if !st.Assumed {
				c.broken("wire.check", "the config of stage %s has a mistake: %s: %s", st.Name, m[0].GetPath(), m[0].GetMessage())
				c.advise("wire.check", "mend the config in the file, or what Check makes of it")
			}
			continue
		}
		needs, err := wire.NeedsFrom(answer.GetNeeds())
		if err != nil {
			c.broken("wire.check", "the needs of stage %s can't be used: %v", st.Name, err)
			continue
		}
		c.said[st.Name] = needs
		if t, ok := c.iface.Type(st.Type); ok {
			if more := needs.Beyond(t.Needs); len(more) > 0 {
				c.broken("wire.check", "the needs of stage %s go beyond those of its type: %s", st.Name, strings.Join(more, ", "))
			}
			c.wrong(ctx, p, t)
		}
	}
	bounded, cancel := unary(ctx)
	defer cancel()
	answer, err := p.client.Check(bounded, &wire.CheckRequest{Type: "no-such-type", Config: []byte("{}")})
	if err == nil && len(answer.GetMistakes()) == 0 {
		c.broken("wire.check", "a config of a type that it does not serve has no mistake")
	}
	if code := status.Code(err); err != nil && (code == codes.DeadlineExceeded || code == codes.Unavailable) {
		return c.told(p, "wire.check", "Check of a type that it does not serve", err)
	}
	c.kept("wire.check")
	return nil
}

func (c *checker) judged(ctx context.Context, p *process, typ string, config []byte) (*wire.CheckResponse, error) {
	ctx, cancel := unary(ctx)
	defer cancel()
	answer, err := p.client.Check(ctx, &wire.CheckRequest{Type: typ, Config: config})
	if err != nil {
		return nil, c.told(p, "wire.check", "Check of a config of "+typ, err)
	}
	return answer, nil
}

// wrong gives each key of a type's config a value of a type that its schema does not allow.
func (c *checker) wrong(ctx context.Context, p *process, t host.Type) {
	var schema struct {
		Properties map[string]struct {
			Type any `json:"type"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(t.Schema, &schema); err != nil {
		return
	}
	for key, property := range schema.Properties {
		if typ, ok := property.Type.(string); !ok || !slices.Contains([]string{"string", "integer", "number", "boolean"}, typ) {
			continue
		}
		answer, err := c.judged(ctx, p, t.Name, fmt.Appendf(nil, `{%q: [["check"]]}`, key))
		if err != nil {
			c.note(ctx, err)
			return
		}
		if !slices.ContainsFunc(answer.GetMistakes(), func(m *wire.Mistake) bool { return strings.HasPrefix(m.GetPath(), key) }) {
			c.broken("wire.check", "a config of %s whose %s is a list of lists has no mistake at the path %q", t.Name, key, key)
		}
	}
}
