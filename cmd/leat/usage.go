package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leatdev/leat/pipeline/config"
)

// usage has wrong arguments exit with 2, and checks the flags that all verbs share.
func (a *app) usage(verb *cobra.Command) {
	for _, sub := range verb.Commands() {
		a.usage(sub)
	}
	args := verb.Args
	verb.Args = func(cmd *cobra.Command, given []string) error {
		formats := []string{"text", "json"}
		if cmd.Name() == "test" {
			formats = append(formats, "junit")
		}
		if !slices.Contains(formats, a.output) {
			last := len(formats) - 1
			return &exitError{exitUsage, fmt.Errorf("-o %s: must be %s or %s", a.output, strings.Join(formats[:last], ", "), formats[last])}
		}
		for _, s := range a.sets {
			if _, err := config.ParseSet(s); err != nil {
				return &exitError{exitUsage, err}
			}
		}
		if args == nil {
			return nil
		}
		if err := args(cmd, given); err != nil {
			return &exitError{exitUsage, fmt.Errorf("%w\nusage: %s", err, cmd.UseLine())}
		}
		return nil
	}
}

// between wants at least the named arguments, and at most so many.
func between(most int, named ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, given []string) error {
		switch missing := len(named) - len(given); {
		case missing > 1:
			return fmt.Errorf("%s are missing", strings.Join(named[len(given):], " and "))
		case missing == 1:
			return fmt.Errorf("%s is missing", named[len(given)])
		case len(given) > most:
			return fmt.Errorf("%q is one argument too many", given[most])
		}
		return nil
	}
}

// unknownVerb refuses what is no command, with the nearest that is one.
func unknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, verb := range cmd.Commands() {
		if verb.IsAvailableCommand() {
			known = append(known, verb.Name())
		}
	}
	hint := fmt.Sprintf("run '%s --help' for the commands", cmd.CommandPath())
	if near, ok := config.Nearest(args[0], known); ok {
		hint = "did you mean " + near + "?"
	}
	return &exitError{exitUsage, fmt.Errorf("unknown command %q: %s", args[0], hint)}
}

var wrongValue = regexp.MustCompile(`(?s)^invalid argument "(.*)" for "(?:-\w, )?(--[\w-]+)" flag: `)

// wrongFlag says in plain words what is wrong with a flag.
func wrongFlag(cmd *cobra.Command, err error) error {
	if m := wrongValue.FindStringSubmatch(err.Error()); m != nil {
		must := map[string]string{
			"int": "a whole number, as in 10", "duration": "a number with a unit, as in 300ms or 1.5s", "bool": "true or false",
		}
		if flag := cmd.Flags().Lookup(m[2][2:]); flag != nil && must[flag.Value.Type()] != "" {
			err = fmt.Errorf("%s %s: must be %s", m[2], m[1], must[flag.Value.Type()])
		}
	}
	return &exitError{exitUsage, fmt.Errorf("%w\nrun '%s --help' for the options", err, cmd.CommandPath())}
}

// headerLine reads a header as -H has it, and never repeats its value, which may be secret.
func headerLine(line string) (name, value string, err error) {
	name, value, ok := strings.Cut(line, ":")
	name = strings.TrimSpace(name)
	switch {
	case !ok || name == "":
		return "", "", fmt.Errorf("-H %q: must be 'Name: value'", line)
	case strings.ContainsFunc(name, notToken):
		return "", "", fmt.Errorf("-H %q: no name of a header: it is made of letters, digits and hyphens", name)
	case strings.ContainsAny(value, "\r\n\x00"):
		return "", "", fmt.Errorf("-H %s: the value holds a line break or a zero byte, which no header may", name)
	}
	return name, strings.Trim(value, " \t"), nil
}

// notToken reports whether r may not stand in a token (RFC 9110, section 5.6.2).
func notToken(r rune) bool {
	switch {
	case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
		return false
	}
	return !slices.Contains([]rune("!#$%&'*+-.^_`|~"), r)
}
