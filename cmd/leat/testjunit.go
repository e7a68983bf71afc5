package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/leatdev/leat/conformance/scenario"
)

// The elements of a JUnit report as GitLab and Jenkins read it. Times are real ones, in seconds: those readers look for slow tests.
type (
	junitReport struct {
		XMLName xml.Name `xml:"testsuites"`
		Name    string   `xml:"name,attr"`
		junitCounts
		Suites []*junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name string `xml:"name,attr"`
		junitCounts
		Cases []junitCase `xml:"testcase"`
		took  time.Duration
	}
	junitCounts struct {
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Time     string `xml:"time,attr"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure"`
		Skipped *junitSkipped `xml:"skipped"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",cdata"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
)

// count adds a result.
func (c *junitCounts) count(status scenario.Status) {
	c.Tests++
	switch status {
	case scenario.Failed:
		c.Failures++
	case scenario.Skipped:
		c.Skipped++
	case scenario.Passed:
	}
}

// writeJUnit writes a suite for each file and a case for each test that has ended.
func writeJUnit(w io.Writer, run *testRun, took time.Duration) error {
	report := junitReport{Name: "leat test", junitCounts: junitCounts{Time: seconds(took)}}
	var suite *junitSuite
	for _, end := range run.ends {
		if end == nil {
			continue
		}
		if suite == nil || suite.Name != end.File {
			suite = &junitSuite{Name: end.File}
			report.Suites = append(report.Suites, suite)
		}
		report.count(end.Status)
		suite.count(end.Status)
		suite.took += end.took
		suite.Time = seconds(suite.took)
		suite.Cases = append(suite.Cases, junit(end))
	}
	text, err := xml.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

func junit(end *testEnd) junitCase {
	c := junitCase{Class: className(end.File), Name: end.Name, File: filepath.ToSlash(end.File), Line: end.Line, Time: seconds(end.took)}
	switch end.Status {
	case scenario.Skipped:
		c.Skipped = &junitSkipped{end.Reason}
	case scenario.Failed:
		c.Failure = &junitFailure{Type: "failure", Text: harmless(end.Text())}
		if len(end.Failures) > 0 {
			c.Failure.Message = summary(end.Failures[0])
		}
	case scenario.Passed:
	}
	return c
}

// summary says a difference in one line.
func summary(f scenario.Failure) string {
	if f.Expected == "" && f.Got == "" {
		return f.Message
	}
	got, _, _ := strings.Cut(f.Got, "\n")
	return fmt.Sprintf("%s: expected %s, got %s", f.Message, f.Expected, got)
}

// className is the file as readers group it: folder.folder.file.
func className(file string) string {
	name := strings.TrimLeft(strings.TrimSuffix(filepath.ToSlash(file), scenario.Suffix), "./")
	return strings.ReplaceAll(name, "/", ".")
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
