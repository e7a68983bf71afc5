package credential_test

import (
	"context"
	"fmt"
	"net/url"

	"github.com/leatdev/leat/pipeline/credential"
)

func ExampleParseOrigin() {
	origin, _ := credential.ParseOrigin("https://*.corp.example")
	for _, s := range []string{"https://api.corp.example/v1", "https://corp.example/", "http://api.corp.example/"} {
		u, _ := url.Parse(s)
		fmt.Println(s, origin.Match(u))
	}
	// Output:
	// https://api.corp.example/v1 true
	// https://corp.example/ false
	// http://api.corp.example/ false
}

func ExampleBuiltIn() {
	factory := credential.BuiltIn()[0]
	config := factory.Config().(*credential.BearerConfig)
	config.Token = credential.Env("API_TOKEN")
	source, place, err := factory.Build(config, credential.Settings{
		Secrets: credential.NewSecrets(".", nil, func(_, name string) (string, bool) { return "s3cret", name == "API_TOKEN" }, nil),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := source.Obtain(context.Background())
	fmt.Println(factory.Type(), place.Header, token.Access, err)
	// Output: bearer Authorization *** <nil>
}

func ExampleSecrets_Resolve() {
	secrets := credential.NewSecrets("/etc/app", nil, nil, nil)
	_, err := secrets.Resolve(context.Background(), credential.Env("EXAMPLE_NOT_SET"))
	fmt.Println(err)
	// Output: env EXAMPLE_NOT_SET is not set: set it in the environment of this program
}
