package validate_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages/validate"
)

func TestSchema(t *testing.T) {
	const keys = `schema = "schemas/post.json"`
	tests := []struct {
		name string
		body string
		want []string
	}{
		{"right", `{"id":1,"title":"A post","state":"live","tags":["a","b"],"author":{"name":"Ada"}}`, nil},
		{"big_numbers_keep_their_digits", `{"id":9007199254740993,"title":"A post"}`, nil},
		{"one_too_big", `{"id":9007199254740994,"title":"A post"}`, []string{"id: more than 9.007199254740992e+15"}},
		{"missing", `{"id":1}`, []string{"title: missing"}},
		{"everything_at_once", `{"id":0,"title":"a","state":"secret","tags":["a",1,"a"],"author":{},"x y":1}`, []string{
			`["x y"]: not allowed`, "author.name: missing", "id: less than 1", `state: not one of "draft", "live"`, "tags: elements 0 and 2 are equal",
			"tags[1]: a number, not string", "title: 1 characters, fewer than 3", "title: does not match the pattern ^[A-Z]",
		}},
		{"not_even_an_object", `[]`, []string{"the body: an array, not object"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := send(t, open(t, keys, answer{body: tt.body}), http.MethodGet)
			var got []string
			if e, ok := errors.AsType[*pipeline.Error](err); ok {
				got = sorted(e.Violations)
				if e.Kind != pipeline.KindValidation {
					t.Error(err)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error quotes a value: %v", err)
			}
		})
	}
	for name, want := range map[string]string{
		"schemas/missing.json": "no such file",
		"schemas/broken.json":  "schema schemas/broken.json: line 2, column 1 (byte 21): a name in quotes must stand here",
		"schemas/wrong.json":   "objekt",
		"schemas/outside.json": "it lies outside the folder",
		"schemas/network.json": "only files are loaded",
	} {
		t.Run("refuses_"+name, func(t *testing.T) {
			c := validate.Defaults()
			c.Schema = name
			_, err := validate.New(c, pipeline.Settings{Dir: "testdata"})
			if name == "schemas/wrong.json" {
				if err == nil {
					t.Error("accepted")
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}
