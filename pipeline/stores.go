package pipeline

import (
	"fmt"
	"strings"

	"github.com/leatdev/leat/pipeline/credential"
)

// Store returns the open store of that name, for programs that show or look after what it keeps; it is a credential.Inspector where
// its type can list records. It is closed with the runner.
func (r *Runner) Store(name string) (credential.Store, error) {
	if s, ok := r.stores[name]; ok {
		return s, nil
	}
	if len(r.stores) == 0 {
		return nil, fmt.Errorf("no store %q in %s: it has none", name, r.plan.file.Name())
	}
	return nil, fmt.Errorf("no store %q in %s: it has %s", name, r.plan.file.Name(), strings.Join(sortedKeys(r.stores), ", "))
}
