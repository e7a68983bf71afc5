package scenario

import (
	"context"
	"net/http"

	"github.com/leatdev/leat/pipeline"
)

// ThroughConfig is the table of a stage of type "through", which every test may use: it sends the request through another pipeline of the
// file, as a program does whose pipelines stand one upon the other. What is listed within it is not reached.
type ThroughConfig struct {
	// Pipeline is the other pipeline. Required.
	Pipeline string `toml:"pipeline"`
}

// Validate refuses a table that names no pipeline.
func (c ThroughConfig) Validate() error {
	return refuse(c.Pipeline == "", "pipeline", "pipeline is missing", "name another pipeline of the file")
}

func throughFactory() pipeline.Factory {
	return pipeline.Define("through", ThroughConfig{}, func(c ThroughConfig, _ pipeline.Settings) (pipeline.StageFunc, error) {
		return c.do, nil
	})
}

type playKey struct{}

// playing lets the stages of a call find the pipelines of its test.
func playing(ctx context.Context, p *play) context.Context {
	return context.WithValue(ctx, playKey{}, p)
}

func (c ThroughConfig) do(req *http.Request, _ http.RoundTripper) (*http.Response, error) {
	p, ok := req.Context().Value(playKey{}).(*play)
	if !ok {
		return nil, pipeline.Errorf(pipeline.KindInternal, "the request belongs to no test")
	}
	other, err := p.runner.Pipeline(c.Pipeline)
	if err != nil {
		return nil, err
	}
	resp, err := other.RoundTrip(req)
	if err == nil {
		resp.Request = req // the answer is one of this call, as net/http's own transport would have it
	}
	return resp, err
}
