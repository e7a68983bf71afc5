package host

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// cpuOf returns the processor time that a process has used so far, to 10 ms; 0 where the system does not tell as Linux does.
func cpuOf(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	user, _ := strconv.Atoi(string(fields[11]))
	system, _ := strconv.Atoi(string(fields[12]))
	return time.Duration(user+system) * 10 * time.Millisecond
}
