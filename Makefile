# Set-up is part of every target: a virtual environment in .venv, filled from hash-pinned locks, redone when a lock changes.

PYTHON ?= python3
PORT ?= 8080
EDGE_PORT ?= 8081
DATA_DIR ?= var

VENV := .venv
MINISTACK := .venv-ministack
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test check check-long ministack fix bench docs new-gateway clean

help: ## Show the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: $(VENV)/run.stamp ## Start Aforo on PORT (8080) and EDGE_PORT (8081), with its files in DATA_DIR (var)
	@exec $(BIN)/aforo serve --port $(PORT) --edge-port $(EDGE_PORT) --data-dir $(DATA_DIR)

test: $(VENV)/test.stamp $(VENV)/docs.stamp ## Run all lanes that CI runs
	@scripts/lanes lint docs apigeelint unit conformance nginx browser bench

check: $(VENV)/test.stamp ## Lint, formatting, types and import contracts
	@scripts/lanes lint

check-long: $(VENV)/test.stamp $(MINISTACK)/made.stamp ## The slow and the bounded-random forms of the tests
	@scripts/lanes long ministack

ministack: $(VENV)/test.stamp $(MINISTACK)/made.stamp ## Run what Aforo deploys at AWS in ministack
	@scripts/lanes ministack

fix: $(VENV)/test.stamp ## Repair what ruff can repair, and format
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/run.stamp ## Measure, each figure beside its reference in the same run
	@$(BIN)/aforo bench

docs: $(VENV)/docs.stamp ## Build the documentation into site/
	@scripts/lanes docs

new-gateway: $(VENV)/run.stamp ## Begin a gateway: make new-gateway NAME=tyk [TITLE="Tyk Gateway"]
	@$(BIN)/python scripts/new_gateway.py "$(NAME)" "$(TITLE)"

clean: ## Remove everything that the other targets made, except DATA_DIR
	rm -rf $(VENV) $(MINISTACK) site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/run.stamp: requirements/run.txt pyproject.toml $(VENV)/made.stamp
	@echo "Installing what Aforo needs (once, about a minute) …"
	@$(PIP) --require-hashes -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/test.stamp: requirements/test.txt $(VENV)/run.stamp
	@echo "Installing what the tests need …"
	@$(PIP) --require-hashes -r requirements/test.txt
	@touch $@

$(VENV)/docs.stamp: requirements/docs.txt $(VENV)/run.stamp
	@echo "Installing what the documentation needs …"
	@$(PIP) --require-hashes -r requirements/docs.txt
	@touch $@

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Aforo needs Python 3.11 or newer, and '$(PYTHON)' is not. Name one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# It holds an older botocore than Aforo, hence an environment of its own.
$(MINISTACK)/made.stamp: requirements/ministack.txt $(VENV)/made.stamp
	@echo "Installing ministack …"
	@$(PYTHON) -m venv $(MINISTACK)
	@$(MINISTACK)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/ministack.txt
	@touch $@
