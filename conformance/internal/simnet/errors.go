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
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return dialing(addr, timeout{})
	}
	return dialing(addr, canceled{})
}

func dialing(addr net.Addr, err error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: addr, Err: err}
}

// timeout and canceled are equal to what package net makes of a context's errors; there they are not exported.
type (
	timeout  struct{}
	canceled struct{}
)

func (timeout) Error() string        { return "i/o timeout" }
func (timeout) Timeout() bool        { return true }
func (timeout) Temporary() bool      { return true }
func (timeout) Is(target error) bool { return target == context.DeadlineExceeded } //nolint:errorlint // this is its half of errors.Is

func (canceled) Error() string        { return "operation was canceled" }
func (canceled) Is(target error) bool { return target == context.Canceled } //nolint:errorlint // this is its half of errors.Is
