package wire

// The limits of the protocol, in bytes. What exceeds one is refused by whoever would send it, and ends the session of whoever sends it
// all the same.
const (
	MaxFrame   = 1 << 20          // of one frame
	MaxInline  = 64 << 10         // of a body within a frame; a longer one travels apart
	MaxChunk   = 32 << 10         // of a body apart, in one message
	MaxMessage = MaxFrame + 1<<18 // of one gRPC message: give it to grpc.MaxCallRecvMsgSize and grpc.MaxRecvMsgSize
)

// GoodChunk is how much of a body is sent in one message: with what is around it, that is as much as grpc's buffers hold, of which the next
// size is 1 MiB.
const GoodChunk = MaxChunk - 64

// goodBatch is how much is written as one message where more is pending; a frame is never cut.
const goodBatch = 1 << 17

// maxPending bounds what waits to be written: a peer that reads nothing must not take all memory. A peer that stands still for a moment is
// forgiven the default max_in_flight of frames with the longest body and many headers.
const maxPending = 32 << 20
