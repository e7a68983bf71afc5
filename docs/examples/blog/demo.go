package blog

import (
	"context"

	"github.com/leatdev/leat/conformance/demo"
	"github.com/leatdev/leat/pipeline"
)

// Demo returns a client whose service runs in this process: for trying it out.
func Demo(ctx context.Context) (c *Client, stop func(), err error) {
	c, err = New(ctx, pipeline.WithUpstream("demo", demo.New(demo.Options{})))
	if err != nil {
		return nil, nil, err
	}
	return c, func() { _ = c.Close() }, nil
}
