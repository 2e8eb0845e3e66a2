# Two commands matter: `make demo` and `make test`. Both make what they need in .venv and nothing outside this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
STAMP_DEV := $(VENV)/.installed-dev

.PHONY: demo test lint types layers unit bench clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $(STAMP)

$(STAMP_DEV): $(STAMP)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $(STAMP_DEV)

demo: $(STAMP)  ## an instance with sample data, served on http://127.0.0.1:8000
	$(BIN)/guanxi demo

lint: $(STAMP_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP_DEV)
	$(BIN)/python scripts/link.py
	$(BIN)/mypy

layers: $(STAMP_DEV)
	$(BIN)/python scripts/link.py
	PYTHONPATH=.links $(BIN)/lint-imports

unit: $(STAMP_DEV)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test: lint types layers unit  ## everything CI runs: style, types, layers, tests on SQLite and PostgreSQL, browser

bench: $(STAMP_DEV)  ## the performance table
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .links .mypy_cache .ruff_cache .pytest_cache
