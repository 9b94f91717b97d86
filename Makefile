# Each target installs what it needs into .venv, as uv.lock says. Only make and Python 3.11 or newer must be there.
.DEFAULT_GOAL := help
.PHONY: help up stop test demo lint types bench faults real

IS_NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11
PYTHON ?= $(firstword $(foreach name,$(CANDIDATES),$(shell $(name) $(IS_NEW_ENOUGH) 2>/dev/null && echo $(name))))
BIN := .venv/bin

help:  ## say what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1 - \2/p' Makefile

# Installed again only when what decides it has changed.
.venv/.installed: pyproject.toml uv.lock scripts/install.py
	@test -n "$(PYTHON)" || { echo "oneid needs Python 3.11 or newer: install python3.11 (or name one: make PYTHON=...)"; exit 1; }
	@$(PYTHON) scripts/install.py
	@touch $@

up: .venv/.installed  ## start servers, API and workers; Ctrl-C stops everything, the data stay in .oneid
	@$(BIN)/oneid up

stop: .venv/.installed  ## stop what a killed `make up` left; deletes nothing
	@$(BIN)/oneid stop

# Servers of a test live for minutes: without the optimising compiler they spend a third less of the two cores.
# Each file runs whole, on one of two sets of servers, in the order of `testpaths`.
test: .venv/.installed  ## the whole suite, on real servers
	@JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

demo: .venv/.installed  ## a brand's story through the public API: who became one customer, and why
	@$(BIN)/oneid demo

lint: .venv/.installed  ## ruff, the import rules and the limits of length
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/limits.py

types: .venv/.installed  ## mypy and pyright, strict
	@$(BIN)/mypy
	@$(BIN)/pyright

bench: .venv/.installed  ## measure, beside a bare reference
	@$(BIN)/python -m pytest -m bench tests/bench

faults: .venv/.installed  ## kill things and see that nothing is lost
	@$(BIN)/python -m pytest -m faults

real: .venv/.installed  ## the whole real data
	@$(BIN)/python -m pytest -m real tests/real tests/integration/segments
