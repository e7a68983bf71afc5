package storetest_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/leatdev/leat/pipeline/credential"
	"github.com/leatdev/leat/pipeline/credential/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemoryStore(t *testing.T) {
	storetest.Test(t, func(*testing.T) func() credential.Store {
		s := credential.NewMemoryStore()
		return func() credential.Store { return s }
	})
}
