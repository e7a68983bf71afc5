package wire

// DurationPattern is what the schema of a config written in Go has for a duration: near enough to what Go reads, and known by the host, which
// says in words what is missing.
const DurationPattern = `^[+-]?([0-9]*\.?[0-9]+|[0-9]+\.)(ns|us|µs|μs|ms|s|m|h)|^[+-]?0$`
