//go:build !unix

package filestore

import "os"

const (
	hasModes  = false
	noFollow  = 0
	lockFlags = os.O_RDWR
)

// syncFolder does nothing: a rename is durable by itself, or can't be made so.
func syncFolder(string) error { return nil }
