# buybox: every command of the house. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types contracts format lock bench bench-quick bench-economics clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## run the main job on this machine: make demo ARGS="--messages 500 --exit"
	$(BIN)/buybox demo $(ARGS)

test: $(READY) ## run the tests, a server for each core: make test ARGS="-k feed", or ARGS="-n 0 --pdb"
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile $(ARGS)

check: lint types contracts test ## everything CI runs

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

format: $(READY) ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(READY) ## resolve the dependencies anew (needs uv in the virtual environment)
	$(BIN)/python -m uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header \
	  --no-emit-index-url --no-annotate pyproject.toml -o requirements.lock
	# versions only: uv cannot combine the markers of other interpreters in a constraint with its own
	sed -n 's/^\([a-z0-9._-]*==[^ ;]*\).*/\1/p' requirements.lock > $(VENV)/constraints.txt
	$(BIN)/python -m uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header \
	  --no-emit-index-url --no-annotate pyproject.toml --extra dev -c $(VENV)/constraints.txt -o requirements-dev.lock
	for peer in pgqueuer:3.11 oban:3.12; do \
	  $(BIN)/python -m uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url \
	    --no-annotate --python-version $${peer#*:} -c requirements.lock \
	    benchmarks/requirements-$${peer%:*}.in -o benchmarks/requirements-$${peer%:*}.txt || exit 1; \
	done

bench: $(READY) ## throughput beside other queues, under 15 minutes: make bench ARGS="--only ours limit"
	$(BIN)/python -m benchmarks.run --docs docs --json docs/benchmarks/results.json $(ARGS)

bench-quick: $(READY) ## the main figures in under two minutes
	$(BIN)/python -m benchmarks.run --quick $(ARGS)

bench-economics: $(READY) ## the share of the economics in T2's processor time, some two minutes
	$(BIN)/python -m benchmarks.economics --docs docs $(ARGS)

clean: ## remove the virtual environment and the caches (not the demo's data)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info build

# The environment is made once, and again when the locks change. Hashes are required, so what is
# installed is what was locked; the package itself is installed in place, without an index.
$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "buybox needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "This Python cannot make virtual environments. On Debian: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked packages into $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
