package config_test

import (
	"fmt"
	"time"

	"github.com/leatdev/leat/pipeline/config"
)

const file = `version = 1

[stages.retry]
max_attempts = 4

[pipelines.base]
stages = ["auth", "retry"]

[pipelines.api]
extends = "base"
stages  = ["...", "log"]

[pipelines.api.override.retry]
max_atempts = 2
base = 5
`

// Every stage of a pipeline has one section: its table under the pipeline's overrides.
func ExampleRead() {
	set, err := config.ParseSet("stages.retry.max_attempts=7")
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := config.Read("pipelines.toml", []byte(file), set)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, stage := range f.Pipelines()[1].Stages {
		fmt.Println(stage.Name, "from", stage.Origin.From, stage.Section.Keys())
	}
	fmt.Println(f.Pipelines()[1].Stages[1].Section.Origin("max_attempts").From)
	// Output:
	// auth from pipelines.base []
	// retry from pipelines.base [max_attempts max_atempts base]
	// log from pipelines.api []
	// --set stages.retry.max_attempts
}

// Decode fills a struct over its defaults and tells every mistake at once.
func ExampleSection_Decode() {
	f, err := config.Read("pipelines.toml", []byte(file))
	if err != nil {
		fmt.Println(err)
		return
	}
	c := struct {
		MaxAttempts int           `toml:"max_attempts"`
		Base        time.Duration `toml:"base"`
	}{MaxAttempts: 3, Base: time.Second}
	fmt.Println(f.Pipelines()[1].Stages[1].Section.Decode(&c))
	// Output:
	// pipelines.toml:14:1: unknown key max_atempts
	//   max_atempts = 2
	//   ^^^^^^^^^^^
	//   did you mean max_attempts?
	//
	// pipelines.toml:15:8: a duration needs a unit: "5s"
	//   base = 5
	//          ^
	//   write "5s"
}

func ExampleFromEnviron() {
	for _, o := range config.FromEnviron([]string{"HOME=/root", "LEAT_PIPELINES__MY_API__TIMEOUT=5s"}) {
		fmt.Println(o.From, o.Path, o.Text)
	}
	// Output: env LEAT_PIPELINES__MY_API__TIMEOUT [PIPELINES MY_API TIMEOUT] 5s
}

func ExampleNearest() {
	fmt.Println(config.Nearest("max-atempts", []string{"base", "max_attempts"}))
	// Output: max_attempts true
}
