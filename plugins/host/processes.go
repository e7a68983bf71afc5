package host

import "github.com/leatdev/leat/pipeline"

// Processes returns the numbers of the processes that run at this moment for the pipelines of a plugin; each leads a process group of its own. One
// that a host has attached to is not among them.
func (h *Host) Processes(p pipeline.PluginPlan) []int {
	h.mu.Lock()
	proc := h.procs[keyOf(p)]
	h.mu.Unlock()
	if proc == nil {
		return nil
	}
	proc.mu.Lock()
	defer proc.mu.Unlock()
	var pids []int
	for l := range proc.lives {
		if pid := l.pid(); pid > 0 && !l.over() {
			pids = append(pids, pid)
		}
	}
	return pids
}
