package pipeline_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/pipeline/cond"
)

// TestNeeds_Reading: what conditions look at is asked for beside what the stage asks for itself, each name once.
func TestNeeds_Reading(t *testing.T) {
	base := pipeline.Needs{Request: pipeline.RequestNeeds{Headers: []string{"x-a"}}, Response: &pipeline.ResponseNeeds{}}
	got := base.Reading(
		cond.Reads{RequestHeaders: []string{"X-A", "X-B"}, Query: true, Subject: true},
		cond.Reads{RequestHeaders: []string{"X-B"}, ResponseHeaders: []string{"*"}, Labels: true, Operation: true, Subject: true},
	)
	want := pipeline.Needs{
		Request:  pipeline.RequestNeeds{Headers: []string{"X-B", "x-a"}, Query: true, Call: []string{"labels", "operation", "subject"}},
		Response: &pipeline.ResponseNeeds{Headers: []string{"*"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	told := base.Reading(cond.Reads{Message: true}, cond.Reads{})
	if want := (&pipeline.ResponseNeeds{Body: pipeline.BodyFull, BodyLimit: 1}); !cmp.Equal(told.Response, want) {
		t.Errorf("the message of an error: got %+v, want %+v", told.Response, want)
	}
	reads := pipeline.Needs{Response: &pipeline.ResponseNeeds{Body: pipeline.BodyFull, BodyLimit: 9}}
	if told := reads.Reading(cond.Reads{Message: true}); told.Response.BodyLimit != 9 {
		t.Errorf("who reads the body already: got the limit %s", told.Response.BodyLimit)
	}
	if len(base.Response.Headers) > 0 {
		t.Errorf("the needs that were added to have changed: %v", base.Response.Headers)
	}
	if got := (pipeline.Needs{}).Reading(cond.Reads{ResponseHeaders: []string{"Date"}}); got.Response != nil {
		t.Errorf("a stage that sees no response asks for one: %v", got.Response)
	}
}
