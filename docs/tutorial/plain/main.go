// Command plain is where the tutorial begins: a GET as net/http does it, to the API that misbehaves on purpose.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/leatdev/leat/conformance/demo"
)

func main() {
	server := httptest.NewServer(demo.New(demo.Options{})) // the API, in this process
	resp, err := http.Get(server.URL + os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	_, _ = io.Copy(os.Stdout, resp.Body)
}
