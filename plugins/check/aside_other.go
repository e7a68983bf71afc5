//go:build !unix

package check

import "syscall"

func aside() *syscall.SysProcAttr { return nil }
