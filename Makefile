# The commands people run. On a fresh machine: make build, then make test.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help build test browser lint report docs backtest status curricula simulate bench audit lock clean

help:  ## Say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

build: .venv/runtime  ## Set up, then run the main job (on simulated mice where the lake has no df_behavior)
	@$(BIN)/python -m scripts.simulate --if-missing
	@$(BIN)/python -m scripts.nightly

test: .venv/dev browser  ## Lint, then every test
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -q -n 3 --dist loadgroup

browser:  ## Debian's Chromium, for the tests of pages
	@command -v chromium > /dev/null || { echo "installing chromium, which the tests of pages need"; \
		$(SUDO) apt-get update -q > /dev/null && $(SUDO) apt-get install -y -q --no-install-recommends chromium \
		fonts-dejavu-core > /dev/null; }

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

lint: .venv/dev  ## Style of Python; that of SQL and of the dbt project is tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

report: .venv/runtime  ## Write and publish the morning page of the last run
	@$(BIN)/python -m scripts.report

docs: .venv/runtime  ## Lineage and descriptions as one file that opens anywhere: target/static_index.html
	@$(BIN)/dbt docs generate --static --quiet

backtest: .venv/runtime  ## Replay all sessions that the last run read under every curriculum
	@$(BIN)/python -m scripts.backtest

status: .venv/runtime  ## Is what is published consistent, and how fresh is it?
	@$(BIN)/python -m scripts.publications status

curricula: .venv/runtime  ## Check the library of curricula and compile it into seeds
	@$(BIN)/python -m scripts.curricula compile

simulate: .venv/runtime  ## Write simulated mice into the lake
	$(BIN)/python -m scripts.simulate

bench: .venv/dev  ## Speed and memory of the whole build, as ratios to the floor measured in the same run
	$(BIN)/python -m scripts.bench

audit: .venv/dev  ## Compare every pinned dependency with the known vulnerabilities
	$(BIN)/pip-audit -r requirements.txt --require-hashes --disable-pip

lock: .venv/dev  ## Pin every dependency anew, with hashes
	$(BIN)/uv pip compile pyproject.toml --extra dev $(LOCK) -o requirements-dev.txt
	$(BIN)/uv pip compile pyproject.toml -c requirements-dev.txt $(LOCK) -o requirements.txt

LOCK := -q --universal --generate-hashes --no-header --no-annotate --no-strip-extras

clean:  ## Remove what was built, but not the lake
	rm -rf .venv target logs

.venv/runtime: requirements.txt
	@echo "setting up .venv (a minute, once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/runtime
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
