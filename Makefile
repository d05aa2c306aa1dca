# Needs nothing but make and Python 3.11 or newer with venv. Every target builds .venv by itself.
PYTHON ?= python3
BIN := .venv/bin
# Half as many again as processors: many tests wait for a server or a browser.
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) * 3 / 2 )))

# The tests start Python a hundred times, and it need not compile every module each time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all check format bench crash cluster pictures clean

demo: .venv/installed ## the bot against a small Slack, Marketplace and mailbox, on a page in the browser
	@$(BIN)/evaluator-bot demo

test: .venv/installed ## the quick tests, a few minutes
	@$(BIN)/pytest --numprocesses $(WORKERS) -m "not slow and not long"

test-all: .venv/installed ## every test but the long ones, as CI runs them
	@CI=true $(BIN)/pytest --numprocesses auto

check: .venv/installed ## what the tests do not see: lint, format, types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: .venv/installed ## time and memory against their floors, as a table; make bench ARGS=--quick
	@$(BIN)/python -m benchmarks $(ARGS)

crash: .venv/installed ## kill the bot 200 times at random moments; CRASH_SEED=… does it the same way again, a thousand presses at once, and the other long tests
	@CRASHES=204 PRESSERS=20 EXAMPLES=many $(BIN)/pytest --numprocesses auto -m "long or drawn"

cluster: .venv/installed ## ten minutes of traffic on two copies over PostgreSQL while everything goes wrong; CLUSTER_SECONDS=… takes as long, CLUSTER_SEED=… does the same again
	@CLUSTER_SECONDS=$${CLUSTER_SECONDS:-600} $(BIN)/pytest tests/scenarios/test_cluster.py -m long -s

pictures: .venv/installed ## the pictures of README and docs/, in light and dark; needs Chromium
	@$(BIN)/python -m tests.demo.pictures

format: .venv/installed ## put the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.venv/installed: pyproject.toml constraints.txt
	@echo "Building .venv (once)…"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean: ## remove everything that was built
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis artifacts
