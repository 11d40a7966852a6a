# make report · make test · make lab · make check: each works on a fresh clone.
YEAR ?= 2010
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup report test test-slow lab check bench simulate lock clean

help:
	@echo "make report [YEAR=2010]  the yearly report, Korean and English, in reports/YEAR/"
	@echo "make check [YEAR=2010]   check the inputs of a year"
	@echo "make lab                 open the notebooks in JupyterLab"
	@echo "make test                run the tests;  make test-slow: the long ones too"
	@echo "make bench               time the report against the plain sequential way"
	@echo "make simulate            write data/raw/simulated anew from its seed"
	@echo "make lock                resolve requirements.lock anew (needs uv)"
	@echo "make clean               remove results and the environment, never inputs"

setup: $(READY)

# The stamp holds the hash of what the environment was made from, so that a clone that was moved,
# or whose lock file changed, is set up anew, and an untouched one costs nothing.
$(READY): requirements.lock pyproject.toml tools/find_python.sh tools/setup.sh
	@tools/setup.sh $(VENV)

report: $(READY)
	@$(BIN)/iccp report $(YEAR)

check: $(READY)
	@$(BIN)/iccp check $(YEAR)

lab: $(READY)
	@$(BIN)/jupyter lab notebooks

test: $(READY)
	@$(BIN)/python -m pytest -m "not slow"

test-slow: $(READY)
	@$(BIN)/python -m pytest

bench: $(READY)
	@$(BIN)/python -m tests.benchmarks

simulate: $(READY)
	@$(BIN)/python -m evaluation.simulation

lock:
	uv pip compile --universal --python-version 3.12 --generate-hashes --extra test \
	    --no-header --no-annotate --quiet --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) data/processed reports/[0-9]*
