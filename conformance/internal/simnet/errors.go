package simnet

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// Refused returns the error of a dial to an address where nobody listens.
func Refused(addr string) error { return connect(addr, syscall.ECONNREFUSED) }

// Unreachable returns the error of a dial to a host that no route leads to.
func Unreachable(addr string) error { return connect(addr, syscall.EHOSTUNREACH) }

func connect(addr string, errno syscall.Errno) error {
	return dialing(Addr(addr), os.NewSyscallError("connect", errno))
}

// NoSuchHost returns the error of a dial to a name that does not exist: NXDOMAIN.
func NoSuchHost(host string) error {
	return dialing(nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true})
}

// DNSDown returns the error of a dial to a name that can't be looked up for now, because the name server answers with a failure.
func DNSDown(host string) error {
	return dialing(nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true})
}

// Hang waits until the context ends, as a dial to an address that answers nothing does, and returns that dial's error: a timeout
// after a deadline, "operation was canceled" after a cancellation.
func Hang(ctx context.Context) error { return hang(ctx, nil) }

func hang(ctx context.Context, addr net.Addr) error {
	<-ctx.Done()
	return dialing(addr, ended{ctx.Err()})
}

func dialing(addr net.Addr, err error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: addr, Err: err}
}

// ended is what package net makes of the error of a context that ended a dial; its own type is not exported.
type ended struct{ cause error }

// Error returns package net's words.
func (e ended) Error() string {
	if e.Timeout() {
		return "i/o timeout"
	}
	return "operation was canceled"
}

// Unwrap returns the context's error.
func (e ended) Unwrap() error { return e.cause }

// Timeout tells whether a deadline ended the dial.
func (e ended) Timeout() bool { return errors.Is(e.cause, context.DeadlineExceeded) }

// Temporary tells the same, as it always did in package net.
func (e ended) Temporary() bool { return e.Timeout() }
