# Each target sets up what it needs, from the lock in requirements/, in .venv. The second time it is there already.
#
#     make test PYTHON=python3.12          with another Python
#     make test ARGS='-k timer -x'         with pytest's own arguments
#     make test PROCESSES=2               in two processes at once, which is shorter

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
PROCESSES ?=

BIN := $(VENV)/bin
# What is checked: what there is of it.
CODE := $(wildcard src tests apps benchmarks examples)

# An environment made by another Python than the one asked for is out of date whatever its stamps say.
MADE_BY := $(shell $(PYTHON) -c 'import sys; print(sys.base_prefix, sys.version)' 2>/dev/null)
ifneq ($(strip $(shell cat $(VENV)/.made-by 2>/dev/null)),$(strip $(MADE_BY)))
OTHER_PYTHON := other-python
endif

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-all check format format-check lint architecture types bench lock clean chromium other-python

help:  ## say what there is to make
	@sed -n 's/^\([a-z-]*\):.*  ## /\1	/p' $(MAKEFILE_LIST) | while IFS='	' read -r name what; do \
		printf '  make %-13s %s\n' "$$name" "$$what"; done

demo: $(VENV)/.has-demo  ## run the sign-up service and look at it in a browser
	PYTHONPATH=apps $(BIN)/python -m signup.demo $(ARGS)

test: $(VENV)/.has-dev chromium  ## run the tests
	$(BIN)/python -m pytest $(if $(PROCESSES),-n $(PROCESSES) --dist loadfile) $(ARGS)

test-long: $(VENV)/.has-dev  ## run the tests that take minutes
	$(BIN)/python -m pytest -m long --timeout=1800 $(ARGS)

check: format-check lint architecture types test-all  ## everything a change must pass, on every Python we support

test-all:
	@.ci/test-all $(ARGS)

format: $(VENV)/.has-dev  ## lay the code out, and repair what ruff can repair
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

format-check: $(VENV)/.has-dev
	$(BIN)/ruff format --check $(CODE)

lint: $(VENV)/.has-dev
	$(BIN)/ruff check $(CODE)

architecture: $(VENV)/.has-dev  ## hold the walls between the rooms
	$(BIN)/lint-imports --no-cache --no-logo

types: $(VENV)/.has-dev
	$(BIN)/mypy $(CODE)

bench: $(VENV)/.has-bench  ## measure, beside its peers
	$(BIN)/python -m benchmarks $(ARGS)

$(VENV)/.has-%: requirements/%.txt requirements/install.sh pyproject.toml $(OTHER_PYTHON)
	@requirements/install.sh $(PYTHON) $(VENV) $*

chromium:
	@requirements/chromium.sh

# The lock: every file by its hash, one file for every Python and platform, no word of where it was fetched from.
UV := uv==0.13.9
RESOLVE = .venv-lock/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links

lock:  ## resolve requirements/*.txt anew after a change of pyproject.toml; ARGS=--upgrade takes newer versions
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet '$(UV)'
	$(RESOLVE) $(ARGS) --extra server --extra otel --extra signup --group dev -o requirements/dev.txt
	$(RESOLVE) $(ARGS) --extra signup --group build -c requirements/dev.txt -o requirements/demo.txt
	$(RESOLVE) $(ARGS) --extra bench --group build -c requirements/dev.txt -o requirements/bench.txt
	printf 'iwf-python-sdk==0.12.0\nattrs\ntyping_extensions\nflask\n' | .venv-lock/bin/uv pip compile - --quiet --universal \
		--python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links \
		$(ARGS) -o requirements/iwf-sdk.txt

clean:  ## remove what was made, the environments too
	rm -rf .venv .venv-* .venv.lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find src tests apps benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
