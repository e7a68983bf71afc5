package served

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/plugins/internal/wire"
)

// decode reads a config from JSON, as it would be read from the file.
func decode(f pipeline.Factory, data []byte) (cfg any, mistakes []*wire.Mistake) {
	defer func() {
		if p := recover(); p != nil {
			cfg, mistakes = nil, []*wire.Mistake{{Message: text(fmt.Sprintf("the config can't be read: panic: %v", p))}}
		}
	}()
	values, err := parse(data)
	if err != nil {
		return nil, []*wire.Mistake{{Message: "the config is no JSON object: " + err.Error()}}
	}
	cfg = f.Config()
	for _, m := range config.DecodeValues(values, cfg) {
		mistakes = append(mistakes, &wire.Mistake{
			Path: text(m.Path), Message: text(m.Message), Hint: text(m.Hint), Secret: m.Secret, Offset: int32(m.Offset), Length: int32(m.Length), //nolint:gosec // within a value
		})
	}
	return cfg, mistakes
}

func parse(data []byte) (map[string]any, error) {
	values := map[string]any{}
	if len(data) == 0 {
		return values, nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&values); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("it goes on after its end")
	}
	return values, nil
}
