// Package host runs the plugins of a file: it starts their processes when a pipeline first needs them, watches over them, and stops them
// with the pipelines. Give one to the pipelines that are opened:
//
//	h := host.New()
//	defer h.Close()
//	r, err := pipeline.Open(ctx, "pipelines.toml", pipeline.WithPlugins(h))
//
// A process belongs to the host: the runners that the host was given to share those of equal plugins. A process that dies is started again
// after a while, one that keeps dying is left alone for longer; meanwhile requests fail with errors of kind plugin, or do what the
// stage's on_failure says. Plugins see no environment but what the file allows, are in a process group of their own, and end with their
// host, however it ends. docs/plugins.md tells all of it, and the protocol.
//
// Plugins run on Linux and macOS.
package host
