package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// otlp begins the variables of the exporter.
const otlp = "OTEL_EXPORTER_OTLP_"

// exporterFromEnv returns the exporter that the OTEL_ variables ask for, nil if they ask for none. A variable that can't hold is an
// error here, because the SDK would go on without it and write a log line, with the value.
func exporterFromEnv(ctx context.Context) (sdktrace.SpanExporter, error) {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return nil, nil
	}
	endpoint := os.Getenv(otlp+"TRACES_ENDPOINT") + os.Getenv(otlp+"ENDPOINT")
	switch kind := os.Getenv("OTEL_TRACES_EXPORTER"); kind {
	case "none":
		return nil, nil
	case "console":
		return stdouttrace.New(stdouttrace.WithWriter(os.Stderr), stdouttrace.WithPrettyPrint())
	case "":
		if endpoint == "" {
			return nil, nil
		}
	case "otlp":
	default:
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER=%s: must be otlp, console or none", kind)
	}
	if err := checkOTLP(); err != nil {
		return nil, err
	}
	var opts []otlptracehttp.Option
	if endpoint == "" { // the specification's default; the SDK would try https
		opts = append(opts, otlptracehttp.WithEndpointURL("http://localhost:4318/v1/traces"))
	}
	return otlptracehttp.New(ctx, opts...)
}

// checkOTLP judges the variables that hold: each has a name for traces, which wins, and one for all signals.
func checkOTLP() error {
	for _, v := range []struct {
		name  string
		check func(string) error
	}{
		{"ENDPOINT", otlpEndpoint},
		{"PROTOCOL", otlpProtocol},
		{"TIMEOUT", otlpTimeout},
		{"HEADERS", otlpHeaders},
		{"CERTIFICATE", canBeRead},
		{"CLIENT_CERTIFICATE", canBeRead},
		{"CLIENT_KEY", canBeRead},
	} {
		for _, variable := range []string{otlp + "TRACES_" + v.name, otlp + v.name} {
			value := strings.TrimSpace(os.Getenv(variable))
			if value == "" {
				continue
			}
			if err := v.check(value); err != nil {
				return fmt.Errorf("%s: %w", variable, err)
			}
			break
		}
	}
	return nil
}

func otlpEndpoint(v string) error {
	if u, err := url.Parse(v); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return errors.New("must be an absolute URL with http or https, as in http://localhost:4318")
	}
	return nil
}

func otlpProtocol(v string) error {
	if v != "http/protobuf" {
		return fmt.Errorf("%s is not supported, only http/protobuf is (most collectors take it at port 4318)", v)
	}
	return nil
}

func otlpTimeout(v string) error {
	if n, err := strconv.Atoi(v); err != nil || n < 0 {
		return errors.New("must be a whole number of milliseconds, as in 10000")
	}
	return nil
}

// otlpHeaders never repeats a value: it may be a token.
func otlpHeaders(v string) error {
	for pair := range strings.SplitSeq(v, ",") {
		name, value, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		_, err := url.PathUnescape(value)
		if !ok || name == "" || strings.ContainsFunc(name, notToken) || err != nil {
			return errors.New("must be name=value pairs with commas between them, and %XX for what a value can't hold")
		}
	}
	return nil
}

func canBeRead(name string) error {
	_, err := os.ReadFile(name) //nolint:gosec // the user named it
	return err
}
