# Every target makes .venv and installs what it needs first.

PYTHON ?= python3
# A folder or zip with a race's files; without it, a simulated race.
RACE ?=
REPORTS ?= reports
BIN := .venv/bin

.PHONY: run test lint coverage docs pictures ui clean

run: .venv/.installed
	$(BIN)/grx $(if $(RACE),run "$(RACE)",demo)

ui: .venv/.installed
	$(BIN)/grx ui

test: .venv/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/dagster definitions validate -w workspace.yaml

coverage: .venv/.installed-dev
	$(BIN)/python -m pytest --cov --cov-report=term

docs: .venv/.installed-dev
	$(BIN)/python -m grx_pipeline.schemas.reference > docs/tables.md
	$(BIN)/python -m grx_pipeline.settings.reference > docs/settings.md

# Pictures of pages in docs/pictures, from the sites under REPORTS.
pictures: .venv/.installed-dev
	PYTHONPATH=tests $(BIN)/python -m support.pictures "$(REPORTS)"

clean:
	rm -rf .venv .pytest_cache .hypothesis .mypy_cache .ruff_cache .coverage* *.egg-info

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/.installed-dev: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@ .venv/.installed
