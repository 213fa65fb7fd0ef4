# The commands people run. On a fresh machine: make build, then make test.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup build test quick browser lint managers recap report docs site backtest status curricula simulate lab bench \
	mutate container wheels audit lock clean

help:  ## Say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

setup: .venv/runtime  ## Set up .venv

build: .venv/runtime  ## Set up, then run the main job (on simulated mice where the lake has no df_behavior)
	@$(BIN)/auto-train simulate --if-missing
	@$(BIN)/auto-train nightly

test: .venv/dev browser  ## Lint, then every test
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -q -n 3 --dist loadgroup

quick: .venv/dev  ## What a developer runs after every change: style, types, and the tests that need no build
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup tests/unit

browser:  ## Debian's Chromium, for the tests of pages
	@command -v chromium > /dev/null || { echo "installing chromium, which the tests of pages need"; \
		$(SUDO) apt-get update -q > /dev/null && $(SUDO) apt-get install -y -q --no-install-recommends chromium \
		fonts-dejavu-core > /dev/null; }

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

lint: .venv/dev  ## Style and types of Python, workflows, Dockerfile; the style of SQL and of the dbt project is tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/zizmor --offline --quiet .github/workflows
	$(BIN)/hadolint Dockerfile

managers: .venv/runtime  ## Names of the managers, as a matrix of jobs takes them: names=["…"]
	@names=$$($(BIN)/auto-train managers --json) && echo "names=$$names"

recap: .venv/runtime  ## What the last night said and what is published now, as Markdown
	@echo '```text'
	@-$(BIN)/auto-train summary
	@-$(BIN)/auto-train status
	@echo '```'

report: .venv/runtime  ## Write and publish the morning page of the last run
	@$(BIN)/auto-train report

docs: .venv/runtime  ## Lineage and descriptions as one file that opens anywhere: target/static_index.html
	@$(BIN)/dbt docs generate --static --quiet

site: docs  ## Documentation of tables and curricula as a site: target/site
	@rm -rf target/site && mkdir -p target/site
	@$(BIN)/auto-train curricula draw target/site/curricula
	@$(BIN)/auto-train report --out target/site/morning.html
	@cp target/static_index.html target/site/tables.html && cp docs/site.html target/site/index.html

backtest: .venv/runtime  ## Replay all sessions that the last run read under every curriculum
	@$(BIN)/auto-train backtest

status: .venv/runtime  ## Is what is published consistent, and how fresh is it?
	@$(BIN)/auto-train status

curricula: .venv/runtime  ## Check the library of curricula and compile it into seeds
	@$(BIN)/auto-train curricula compile

simulate: .venv/runtime  ## Write simulated mice into the lake
	$(BIN)/auto-train simulate

lab: .venv/runtime  ## Live NIGHTS of a simulated lab, and hold what people are told against what is true (6 seconds a night)
	@$(BIN)/auto-train lab --nights $(NIGHTS)

NIGHTS := 30

bench: .venv/dev  ## Speed and memory of the whole build, as ratios to the floor measured in the same run
	$(BIN)/auto-train bench

wheels: .venv/dev  ## Does the index have a wheel of every pinned package for each platform?
	@for platform in $(PLATFORMS); do $(BIN)/uv pip install --dry-run -q --python $(BIN)/python --target target/none \
		--python-platform $$platform --only-binary :all: --no-deps --require-hashes -r requirements.txt \
		&& echo "$$platform: all" || exit 1; done

PLATFORMS := x86_64-pc-windows-msvc aarch64-apple-darwin aarch64-manylinux_2_28 x86_64-manylinux_2_28

mutate: .venv/dev browser  ## Try wrong changes one at a time, and list those that no test notices (an hour or more)
	$(BIN)/python -m tests.mutate

container: .venv/dev  ## Build the container and run it, without Docker (some minutes, as root on Debian)
	@command -v buildah mmdebstrap > /dev/null || { echo "installing buildah and mmdebstrap, which build it"; \
		$(SUDO) apt-get update -q > /dev/null && $(SUDO) apt-get install -y -q --no-install-recommends buildah mmdebstrap \
		> /dev/null; }
	$(BIN)/python -m pytest -q -n 0 tests/container.py

audit: .venv/dev  ## Compare every pinned dependency with the known vulnerabilities
	$(BIN)/pip-audit -r requirements.txt --require-hashes --disable-pip

lock: .venv/dev  ## Pin every dependency anew, with hashes
	$(BIN)/uv pip compile pyproject.toml --extra dev $(LOCK) -o requirements-dev.txt
	$(BIN)/uv pip compile pyproject.toml -c requirements-dev.txt $(LOCK) -o requirements.txt

LOCK := -q --universal --generate-hashes --no-header --no-annotate --no-strip-extras

clean:  ## Remove what was built, but not the lake
	rm -rf .venv target logs

.venv/runtime: requirements.txt pyproject.toml
	@echo "setting up .venv (a minute, once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: requirements-dev.txt .venv/runtime
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
