// Package stages lists the stages that leat ships. There is no registration behind it: a program links what it names.
package stages

import (
	"github.com/leatdev/leat/pipeline"
	"github.com/leatdev/leat/stages/auth"
	"github.com/leatdev/leat/stages/errormap"
	"github.com/leatdev/leat/stages/headers"
	"github.com/leatdev/leat/stages/idempotencykey"
	"github.com/leatdev/leat/stages/logging"
	"github.com/leatdev/leat/stages/refresh"
	"github.com/leatdev/leat/stages/retry"
	"github.com/leatdev/leat/stages/validate"
)

// All returns the factory of every stage type that leat ships, for pipeline.WithStages(stages.All()...).
func All() []pipeline.Factory {
	return []pipeline.Factory{
		auth.Factory(),
		refresh.Factory(),
		retry.Factory(),
		logging.Factory(),
		errormap.Factory(),
		validate.Factory(),
		headers.Factory(),
		idempotencykey.Factory(),
	}
}
