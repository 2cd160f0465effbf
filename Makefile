# Everything here runs from .venv, which the first target that needs it makes.
# Only make and a python3 with venv are assumed. ARGS reaches the program:
#   make demo ARGS=--once        make test ARGS="-k noop -x"

BIN := .venv/bin
# Two workers; the budgets below are for two cores.
PYTEST := $(BIN)/pytest -n 2 --dist worksteal
# They start hundreds of processes: what was compiled is kept, whatever the
# environment says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test quick lint torture fuzz bench fetched

demo: .venv/installed
	@$(BIN)/imapbox demo $(ARGS)

# All of tests/: six minutes at most.
test: .venv/installed
	$(PYTEST) -rs $(ARGS)

# Under a minute: tests/unit and tests/house without what is marked slow.
quick: .venv/installed
	$(PYTEST) tests/unit tests/house -m quick $(ARGS)

lint: .venv/linted
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# The same tests, twenty times as many random schedules and examples; without ARGS
# the fuzzing, too. It takes a day.
torture: .venv/installed .venv/fuzzing
	IMAPBOX_EFFORT=20 $(PYTEST) -rs $(ARGS)
	$(if $(ARGS),,$(BIN)/python -m tests.fuzz)

# Parsers and readers, five minutes each: make fuzz ARGS="--seconds 60 mime".
# What is found is in .fuzzed; with --keep it becomes the corpus of make test.
fuzz: .venv/fuzzing
	$(BIN)/python -m tests.fuzz $(ARGS)

bench: .venv/installed
	$(BIN)/python -m benchmarks $(ARGS)

# What some interop tests need of PyPI and npm; tests without it are skipped.
fetched: .venv/installed
	$(BIN)/python -m tests.corpus.fetched
	npm install --prefix .fetched/node --no-audit --no-fund --ignore-scripts \
		--loglevel=error imapflow@2.10.2

.venv/installed: setup.cfg pyproject.toml
	test -x $(BIN)/python || python3 -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip 'setuptools>=77'
	$(BIN)/python -m pip install --quiet -e '.[test]'
	touch $@

.venv/linted: .venv/installed
	$(BIN)/python -m pip install --quiet -e '.[lint]'
	touch $@

.venv/fuzzing: .venv/installed
	$(BIN)/python -m pip install --quiet -e '.[fuzz]'
	touch $@
