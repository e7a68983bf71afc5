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
	arena    []byte // of header values

	asDo     wire.Frame_Do
	asResult wire.Frame_Result
	asAwake  wire.Frame_Awake
	asEnded  wire.Frame_Ended
	awake    wire.Awake
}

// maxArena bounds what is kept of header values, in bytes.
const maxArena = 16 << 10

// clear forgets what the last frame held.
func (s *scratch) clear() {
	s.frame.Reset()
	s.do.Reset()
	s.request.Reset()
	s.result.Reset()
	s.response.Reset()
	s.body.Reset()
	s.call.Reset()
	s.ended.Reset()
	for _, h := range s.headers[:cap(s.headers)] {
		if h != nil {
			h.Name, h.Value = "", nil
		}
	}
	s.headers = s.headers[:0]
	if s.arena = s.arena[:0]; cap(s.arena) > maxArena {
		s.arena, s.headers = nil, nil
	}
}
