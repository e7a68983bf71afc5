package host

import "github.com/leatdev/leat/plugins/internal/wire"

// scratch is where a frame to the plugin is put together; it serves one frame after another, so that one costs few allocations.
type scratch struct {
	frame    wire.Frame
	do       wire.Do
	request  wire.Request
	result   wire.Result
	response wire.Response
	body     wire.Body
	call     wire.Call
	ended    wire.Ended
	headers  []*wire.Header

	asDo     wire.Frame_Do
	asResult wire.Frame_Result
	asAwake  wire.Frame_Awake
	asEnded  wire.Frame_Ended
	awake    wire.Awake
}

// maxKeptHeaders bounds the headers that are kept for the next frame.
const maxKeptHeaders = 256

// clear forgets what the last frame held.
func (s *scratch) clear() {
	headers := s.headers
	for _, h := range headers[:cap(headers)] {
		if h != nil {
			h.Name, h.Value = "", nil
		}
	}
	if cap(headers) > maxKeptHeaders {
		headers = nil
	}
	*s = scratch{headers: headers[:0]}
}
