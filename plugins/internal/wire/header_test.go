package wire

import (
	"net/http"
	"reflect"
	"testing"
)

func TestHeadersFrom(t *testing.T) {
	var list []*Header
	want := http.Header{}
	for _, name := range []string{"accept", "x-request-id", "ETag", "WWW-AUTHENTICATE", "a b-c", "ünï-code", "x--y", "-z", "", "1a-b2", "x_y", "accept"} {
		list = append(list, &Header{Name: name, Value: []byte("value of " + name)})
		want.Add(name, "value of "+name)
	}
	got := HeadersFrom(list)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if read, _ := ReadHeaders(list, &Names{Of: http.CanonicalHeaderKey}); !reflect.DeepEqual(read, want) {
		t.Errorf("read %v, want %v", read, want)
	}
	got["Accept"] = append(got["Accept"], "more")
	if other := got.Get("X-Request-Id"); other != "value of x-request-id" {
		t.Errorf("appending to one header changed another to %q", other)
	}
}
