# Two commands do everything on a bare machine with python3 (venv) and make:
#   make run     install, audit a trained network, verify the claims
#   make test    install, lint, check types on the installed package, test
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SOURCES := $(shell find theory simulations proofs_check toolkit -name '*.py')

.PHONY: run test lint types unit test-slow verify-today bench docs clean

run: $(VENV)/.installed
	$(BIN)/pruneproof audit digits
	$(BIN)/pruneproof verify --budget quick

test: lint types unit

$(VENV)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade "pip>=24" "setuptools>=77"
	$(PIP) install --quiet --editable ".[dev]"
	touch $@

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy reads the package as a user has it, not the folders of the checkout.
build/installed/.stamp: $(VENV)/.installed $(SOURCES)
	rm -rf build/installed build/lib
	$(PIP) install --quiet --no-deps --no-build-isolation --target build/installed .
	touch $@

types: build/installed/.stamp
	cd build/installed && MYPYPATH=. ../../$(BIN)/mypy --config-file ../../pyproject.toml -p pruneproof

unit: $(VENV)/.installed
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-slow: $(VENV)/.installed
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m slow

# Fresh draws each day, at the error level of the run: one false alarm in 20 days at most.
verify-today: $(VENV)/.installed
	$(BIN)/pruneproof verify --budget standard --workers 2 --seed "$$(date +%Y%m%d)"

bench: $(VENV)/.installed
	$(PIP) install --quiet --editable ".[bench]"
	$(BIN)/python benchmarks/run.py

docs: $(VENV)/.installed
	$(PIP) install --quiet --editable ".[docs]"
	$(BIN)/python -m sphinx -q -W -b html docs build/docs

clean:
	rm -rf $(VENV) build dist
