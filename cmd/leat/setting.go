package main

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/config"
	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/redact"
	"github.com/leatdev/leat/plugins/host"
)

// setting is one value of a file with who set it.
type setting struct {
	Key    string        `json:"key"`
	Value  any           `json:"value"`            // as the file has it, *** for a secret, null for what isn't set
	Secret string        `json:"secret,omitempty"` // where a secret comes from
	Origin config.Origin `json:"origin"`
}

// text is the value for people.
func (s setting) text() string {
	switch text := literal(s.Value); {
	case s.Secret != "":
		return redact.Mask + " from " + s.Secret
	case s.Value == redact.Mask:
		return redact.Mask
	case s.Value == nil, s.Origin.From == "default" && (text == `""` || text == "[]"):
		return "–"
	default:
		return text
	}
}

// settings lists the values of a config that was decoded from a section.
func settings(plan *pipeline.Plan, cfg any, section config.Section) []setting {
	redactor := names{redact.New(redact.Rules{})}
	var all []setting
	config.Walk(cfg, func(path []string, v reflect.Value) {
		s := setting{Key: dotted(path), Origin: section.Origin(path...)}
		ref, isRef := reference(v)
		switch {
		case isRef:
			s.Value, s.Secret = redact.Mask, follow(plan, ref)
		case v.Type() == reflect.TypeFor[[]credential.Ref]() && v.Len() > 0:
			var places []string
			for _, ref := range v.Interface().([]credential.Ref) {
				places = append(places, follow(plan, ref))
			}
			s.Value, s.Secret = redact.Mask, strings.Join(places, ", ")
		case v.Kind() == reflect.String && (!v.CanAddr() || len(path) > 2) && slices.ContainsFunc(path[1:], redactor.secret):
			s.Value = redact.Mask // within a map the user chose the names: login.send.pin = "1234"
		default:
			s.Value = value(v)
			if _, isStruct := s.Value.(struct{}); isStruct {
				s.Value, _ = section.Value(path...)
			}
		}
		all = append(all, s)
	})
	return all
}

// remoteSettings lists the values of a stage in another process: those that the host reads, and what its table holds for the plugin. The
// plugin alone knows its defaults.
func remoteSettings(plan *pipeline.Plan, s pipeline.StagePlan) []setting {
	own := s.Section.Without("when")
	all := slices.DeleteFunc(settings(plan, s.Remote, s.Section), func(one setting) bool { return one.Key == "unsafe" && s.Remote.Role == "" }) // then it is the plugin's
	for _, known := range all {
		own = own.Without(known.Key)
	}
	redactor := names{redact.New(redact.Rules{})}
	stage, _ := s.Config.(*host.StageConfig)
	var add func(path []string, v any)
	add = func(path []string, v any) {
		if stage != nil && stage.Secret(path...) {
			one := setting{Key: dotted(path), Value: redact.Mask, Origin: s.Section.Origin(path...)}
			var ref credential.Ref
			if ref.UnmarshalConfig(v) == nil {
				one.Secret = follow(plan, ref)
			}
			all = append(all, one)
			return
		}
		if table, ok := v.(map[string]any); ok && len(table) > 0 {
			for _, name := range slices.Sorted(maps.Keys(table)) {
				add(append(slices.Clip(path), name), table[name])
			}
			return
		}
		if list, ok := v.([]any); ok && stage != nil {
			v = masked(stage, path, list)
		}
		if _, isText := v.(string); isText && !namesPlace(path[len(path)-1]) && slices.ContainsFunc(path, redactor.secret) {
			v = redact.Mask // nobody here knows what its keys mean
		}
		all = append(all, setting{Key: dotted(path), Value: v, Origin: s.Section.Origin(path...)})
	}
	for _, name := range own.Keys() {
		v, _ := own.Value(name)
		add([]string{name}, v)
	}
	return all
}

// masked returns a value with a mask in place of each secret within.
func masked(stage *host.StageConfig, path []string, v any) any {
	if stage.Secret(path...) {
		return redact.Mask
	}
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = masked(stage, append(slices.Clip(path), strconv.Itoa(i)), v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name := range v {
			out[name] = masked(stage, append(slices.Clip(path), name), v[name])
		}
		return out
	}
	return v
}

// namesPlace reports whether a key holds where a secret is, not the secret: env, key_env, key_file.
func namesPlace(key string) bool {
	return key == "env" || key == "file" || strings.HasSuffix(key, "_env") || strings.HasSuffix(key, "_file")
}

// reference returns the place of a secret, and false for everything else.
func reference(v reflect.Value) (credential.Ref, bool) {
	switch ref := v.Interface().(type) {
	case credential.Ref:
		return ref, !ref.IsZero()
	case credential.Text:
		return ref.Ref, !ref.Ref.IsZero()
	}
	return credential.Ref{}, false
}

// follow writes where a secret comes from: a shared one with the place that its table names.
func follow(plan *pipeline.Plan, ref credential.Ref) string {
	out := ref.String()
	if shared, ok := plan.Secrets[ref.SharedName()]; ok {
		out += " = " + shared.String()
	}
	return out
}

type names struct{ redactor *redact.Redactor }

// secret reports whether a field's name says that its value is secret.
func (n names) secret(name string) bool {
	shown, _ := n.redactor.Body("application/json", []byte(`{`+strconv.Quote(name)+`:"x"}`), 1024)
	return !strings.Contains(shown, `"x"`)
}

// value returns what the file would say: a string, a number, a boolean, a list; nil if nothing is set, and struct{}{} for a type that
// only the file knows how to write.
func value(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case time.Duration:
		return duration(x)
	case credential.Ref:
		return nil
	case credential.Text:
		return x.Literal
	case pipeline.OnFailure:
		switch {
		case x.Skip:
			return "skip"
		case x.Respond != 0:
			return map[string]any{"respond": int64(x.Respond)}
		}
		return "fail"
	case interface{ IsZero() bool }:
		if x.IsZero() {
			return nil
		}
	}
	if m, ok := reflect.TypeAssert[encoding.TextMarshaler](v); ok && (v.Kind() != reflect.Pointer || !v.IsNil()) {
		text, _ := m.MarshalText()
		return string(text)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return value(v.Elem())
	case reflect.String:
		return v.String()
	case reflect.Slice:
		items := make([]any, v.Len())
		for i := range items {
			items[i] = value(v.Index(i))
		}
		return items
	case reflect.Map:
		return nil // an empty one: walked into otherwise
	case reflect.Struct:
		return struct{}{}
	}
	return v.Interface()
}

// literal writes a value as TOML.
func literal(v any) string {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, `"`) && !strings.ContainsAny(v, "'\n\r") {
			return "'" + v + "'" // as people write expressions
		}
		return strconv.Quote(v)
	case []any:
		items := make([]string, len(v))
		for i := range v {
			items[i] = literal(v[i])
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		var items []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			items = append(items, k+" = "+literal(v[k]))
		}
		return "{ " + strings.Join(items, ", ") + " }"
	case float64:
		if s := strconv.FormatFloat(v, 'g', -1, 64); strings.ContainsAny(s, ".e") {
			return s
		}
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return fmt.Sprint(v)
}

// duration writes "30m" for what prints as "30m0s".
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// dotted writes a path: set.X-Tenant, rules[0].match.
func dotted(path []string) string {
	var b strings.Builder
	for i, p := range path {
		if i > 0 && !strings.HasPrefix(p, "[") {
			b.WriteByte('.')
		}
		b.WriteString(p)
	}
	return b.String()
}
