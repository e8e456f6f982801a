PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
FLASK := $(PY) -m flask --app wsgi
PYTEST := $(PY) -m pytest --numprocesses 2 --dist worksteal
POSTGRES_15 := $(firstword $(wildcard /usr/lib/postgresql/15/bin/initdb /usr/pgsql-15/bin/initdb))

# uv where the machine has it, pip where not: both refuse a file whose hash is not in the lock.
INSTALLER := $(if $(shell command -v uv),uv pip install --compile-bytecode --python $(PY),$(PY) -m pip install --disable-pip-version-check)
INSTALL := $(INSTALLER) --quiet --require-hashes --only-binary :all: --no-deps --requirement

# A virtual environment whose Python has gone with an upgrade of the system is made anew.
ifneq ($(shell test -x $(PY) && echo there),there)
.PHONY: $(VENV)/made.stamp
endif

.DEFAULT_GOAL := help
.PHONY: help install run test test-sqlite lint format types bench prove docs lock clean

help: ## List all targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

install: $(VENV)/run.stamp ## Make the virtual environment with the packages that run the town

run: $(VENV)/run.stamp ## Run the town on http://127.0.0.1:8000 (HOST, PORT and DATABASE_URL change it)
	@exec $(PY) serve.py

test: $(VENV)/dev.stamp ## Check everything: format, lint, types, imports, and the tests on SQLite and PostgreSQL
	@$(MAKE) --no-print-directory --jobs 3 lint types test-sqlite
	@echo; echo "=== Tests on PostgreSQL ==="
	@$(PYTEST) --database=postgresql
ifneq ($(POSTGRES_15),)
	@echo; echo "=== SQL and migrations on PostgreSQL 15 ==="
	@$(PYTEST) --database=postgresql --postgres-programs=$(dir $(POSTGRES_15)) -m sql
else
	@echo; echo "(No PostgreSQL 15 on this machine: its round of SQL and migrations was left out.)"
endif

test-sqlite: $(VENV)/dev.stamp ## Run the tests on SQLite alone
	@echo; echo "=== Tests on SQLite ==="
	@$(PYTEST) --database=sqlite

lint: $(VENV)/dev.stamp ## Check format, lint and import contracts
	@echo; echo "=== Format, lint, imports ==="
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(VENV)/bin/lint-imports --no-logo

format: $(VENV)/dev.stamp ## Format the code and repair what lint can repair
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

types: $(VENV)/dev.stamp ## Check the types of backend/
	@echo; echo "=== Types ==="
	@$(PY) -m mypy --strict backend wsgi.py serve.py

bench: $(VENV)/dev.stamp ## Measure the figures of docs/figures.md on this machine (minutes)
	@$(PY) -m bench

prove: $(VENV)/dev.stamp ## Run the tests that take minutes, and those that tell the other promised numbers
	@$(PYTEST) --database=postgresql --prove -m 'prove or counted'

docs: $(VENV)/run.stamp ## Write the access table and the workflow into their pages anew
	@$(FLASK) people access-page docs/access.md
	@$(FLASK) cases workflow-page docs/workflow.md

lock: $(VENV)/dev.stamp ## Pin requirements.in and requirements-dev.in anew, with hashes
	@for name in requirements requirements-dev; do \
		$(PY) -m uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--custom-compile-command "make lock" --output-file $$name.txt $$name.in || exit 1; done

clean: ## Delete the virtual environment and the caches, never the data in instance/
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Python 3.11 or newer is needed: apt install python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "python3-venv is missing: apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/run.stamp: requirements.txt $(VENV)/made.stamp
	@echo "Installing the packages of requirements.txt ..."
	@$(INSTALL) requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	@echo "Installing the packages of requirements-dev.txt ..."
	@$(INSTALL) requirements-dev.txt
	@touch $@
