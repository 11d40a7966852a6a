# Each target works on a fresh clone: the environment is made first, once.
YEAR ?=
# Another checkout on the path would be run in place of this one.
unexport PYTHONPATH
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
# Samples and methods of the long check of inference. subcluster takes rows as independent where no cluster is larger than a unit, and
# ferman-pinto needs sizes, which this design has not.
SAMPLES ?= 5000
INFERENCES ?= recommended,analytic,cr2,cr3,wild,mackinnon-webb,conley-taber

.PHONY: help setup report test test-slow lab check bench proof simulate pictures strip lock clean

help:
	@echo "make report [YEAR=2010]  the yearly report, Korean and English, in reports/YEAR/"
	@echo "make check [YEAR=2010]   check the inputs of a year"
	@echo "make lab                 open the notebooks in JupyterLab"
	@echo "make test                run the tests;  make test-slow: the long ones too"
	@echo "make bench               time the report against the plain sequential way"
	@echo "make proof               how inference does with few treated units: 5,000 panels, to docs/proof/"
	@echo "make simulate            write data/raw/simulated, datapackage.json and docs/examples anew"
	@echo "make pictures            draw the README's pictures anew from the report of 2010"
	@echo "make strip               take the outputs out of the notebooks before a commit"
	@echo "make lock                resolve requirements.lock anew (needs uv)"
	@echo "make clean               remove results and the environment, never inputs"

setup: $(READY)

# A moved checkout is set up anew: the environment's scripts hold absolute paths.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif
$(READY): requirements.lock pyproject.toml tools/find_python.sh tools/setup.sh
	@tools/setup.sh $(VENV)

report: $(READY)
	@$(BIN)/iccp report $(YEAR)

check: $(READY)
	@$(BIN)/iccp check $(YEAR)

# The root is the checkout, so that notebooks can show the figures they make.
lab: $(READY)
	@$(BIN)/jupyter lab --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/notebooks

# Two workers, one thread of linear algebra each.
test test-slow: export OPENBLAS_NUM_THREADS = 1

test: $(READY)
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-slow: $(READY)
	@$(BIN)/python -m pytest -n 2 --dist worksteal

bench: $(READY)
	@$(BIN)/python -m tests.benchmarks

proof: $(READY)
	@mkdir -p docs/proof
	@$(BIN)/iccp impact simulate --design docs/examples/few_treated.yml --estimators cs --inferences $(INFERENCES) \
	    --effect 0.1 --samples $(SAMPLES) --by-cohort --output docs/proof/few_treated.json
	@$(BIN)/iccp impact simulate --design docs/examples/few_treated.yml --estimators bjs --inferences recommended,analytic,mackinnon-webb,conley-taber \
	    --effect 0.1 --samples $(SAMPLES) --by-cohort --output docs/proof/few_treated_estimators.json

simulate: $(READY)
	@$(BIN)/python -m evaluation.simulation
	@$(BIN)/python -m evaluation.sources.datapackage
	@ICCP_LANG=ko $(BIN)/iccp template 2010 --programme --filled --force --output docs/examples/programme_2010.xlsx

pictures: report
	@$(BIN)/python tools/pictures.py

strip: $(READY)
	@$(BIN)/nbstripout notebooks/*.ipynb

lock:
	uv pip compile --universal --python-version 3.12 --generate-hashes --extra test \
	    --no-header --no-annotate --quiet --output-file requirements.lock pyproject.toml
	python3 tools/write_environment.py

clean:
	rm -rf $(VENV) data/processed reports/[0-9]*
