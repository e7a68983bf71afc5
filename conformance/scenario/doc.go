// Package scenario runs tests of pipelines that are written in TOML: a scripted upstream, calls, and what must come of them, in virtual
// time and with every connection in memory. See docs/testing.md for the format.
package scenario
