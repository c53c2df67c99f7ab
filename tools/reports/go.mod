module karb.dev/guard/tools/reports

go 1.26.0

// The published CustomResourceDefinitions of report objects, read from the module cache by tests.
// Those of wgpolicyk8s.io come from a project that ships them: their own repository is no module.
require (
	github.com/kyverno/kyverno v1.13.4 // indirect
	github.com/openreports/reports-api v0.2.1 // indirect
)
