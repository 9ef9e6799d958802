# rosterd's two commands are `make run` and `make test`. Both make .venv by themselves, from the lock
# files and nothing else; a stamp in .venv remembers what is installed, so that a second run starts at once.

PYTHONS ?= python3.14 python3.13 python3.12 python3.11 python3 python
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-deps screenshots lint format chaos fuzz bench bench-peers lock clean

help:
	@echo 'make run     serve a demo organisation on http://127.0.0.1:8080, kept in ./rosterd.db'
	@echo 'make test    lint, then every test, on SQLite and on a PostgreSQL that the tests start'
	@echo 'make test-deps  install what some tests need and skip without: Chromium, strace (Debian, as root)'
	@echo 'make lint    ruff, mypy and the import contracts'
	@echo 'make format  let ruff format and fix what it can'
	@echo 'make chaos   kill servers under load 200 times, on both engines; goes on where it stopped'
	@echo 'make fuzz    a million bodies, filters and paths; goes on where it stopped'
	@echo 'make screenshots  pictures of every page, into build/screenshots and a few into docs/screenshots'
	@echo 'make bench   measure speed beside what the machine can do; bench-peers beside other servers'
	@echo 'make lock    write the lock files anew (ARGS=--upgrade for newer releases)'
	@echo 'make clean   remove .venv and caches; databases stay'
	@echo
	@echo "ARGS reach the command: make run ARGS='--port 9000', make test ARGS='-k filter -n 0'"

run: .venv/run.stamp
	@exec $(BIN)/rosterd serve --demo $(ARGS)

# Where nobody sits who could install something (CI is set), what a few tests need is installed first.
test: lint $(if $(CI),test-deps)
	@exec $(BIN)/python -m pytest --quiet -n 2 $(ARGS)

# The fonts are for whoever looks at screenshots.
test-deps:
	@{ command -v strace && command -v chromium; } >/dev/null || { apt-get -qq update && \
	    apt-get -qq install --yes --no-install-recommends strace chromium fonts-dejavu-core >/dev/null; }

lint: .venv/test.stamp
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --diff .
	@$(BIN)/mypy --no-error-summary
	@contracts=$$($(BIN)/lint-imports --no-logo) || { echo "$$contracts"; exit 1; }

format: .venv/test.stamp
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

# Both stop after thirty minutes, keep what is done in a state file, and show it all once everything is done.
chaos fuzz: .venv/test.stamp
	@exec $(BIN)/python -m tests.$@ $(ARGS)

# Needs Chromium: make test-deps.
screenshots: .venv/test.stamp
	@exec $(BIN)/python -m tests.browser.screenshots $(ARGS)

# Needs wrk. Keeps its organisations in .bench; see docs/performance.md.
bench: .venv/test.stamp
	@exec $(BIN)/python -m bench $(ARGS)

bench-peers: .venv/test.stamp
	@exec $(BIN)/python -m bench.peers $(ARGS)

# The environment of whoever locks may point at mirrors of their own: the lock holds the public files only.
LOCK := env -u UV_INDEX -u UV_INDEX_URL -u UV_DEFAULT_INDEX -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS \
	$(BIN)/uv pip compile --quiet --no-config --system-certs --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links $(ARGS) pyproject.toml

lock: .venv/test.stamp
	@$(LOCK) --group build --group test --output-file requirements-test.lock
	@$(LOCK) --group build --constraints requirements-test.lock --output-file requirements.lock

clean:
	@rm -rf .venv .chaos-state.json .fuzz-state.json .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# The newest Python that is new enough and can make environments.
.venv/bin/python:
	@for python in $(PYTHONS); do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        recent=$$python; \
	        if $$python -c 'import venv, ensurepip' 2>/dev/null; then \
	            echo "Making .venv with $$($$python --version)" >&2; \
	            exec $$python -m venv --clear .venv; \
	        fi; \
	    fi; \
	done; \
	if [ -n "$$recent" ]; then \
	    echo "$$recent cannot make a virtual environment: install its venv module (on Debian and Ubuntu: apt install python3-venv)" >&2; \
	else \
	    echo "rosterd needs Python 3.11 or newer; none of these is it: $(PYTHONS). Name yours: make run PYTHONS=/path/to/python" >&2; \
	fi; \
	exit 1

# rosterd itself is installed in place, by the build backend that the lock has already brought.
.venv/%.stamp: pyproject.toml .venv/bin/python
	@echo 'Installing from $(filter %.lock,$^)' >&2
	@$(PIP) install --require-hashes $(addprefix --requirement ,$(filter %.lock,$^))
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/run.stamp: requirements.lock
.venv/test.stamp: requirements-test.lock
