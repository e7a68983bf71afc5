// Package partner holds no Go: it is the example of a plugin in JavaScript, and its test runs that.
package partner
