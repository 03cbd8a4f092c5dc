# Everything a developer runs; `make` alone lists it. Each target makes the virtual environment first if it must.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_FOLDERS := $(wildcard tests/unit tests/integration tests/behaviour tests/benchmarks tests/e2e)

# Servers of others have dependencies of their own, so they get an environment of their own.
PEERS := .venv-peers
PEERS_STAMP := $(PEERS)/.installed
PEERS_FILE := platform/polyloop/bench/serve/peers/requirements.txt
POLYLOOP_BENCH_PEERS ?= $(realpath $(PEERS))
export POLYLOOP_BENCH_PEERS

# Public datasets and KubeRay's definitions, which some tests read; those tests say so and skip where they are absent.
POLYLOOP_DATASETS ?= $(realpath ../shared/datasets)
POLYLOOP_KUBERAY_CRDS ?= $(realpath ../shared/kuberay-crds)
export POLYLOOP_DATASETS POLYLOOP_KUBERAY_CRDS

.DEFAULT_GOAL := help
.PHONY: help install browser demo test soak unit check format docs peers bench clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

install: $(STAMP)  ## Make the virtual environment .venv from constraints.txt

demo: $(STAMP)  ## Run the whole loop once and print what improved
	$(BIN)/polyloop demo

# The console's tests drive Chromium, which pip cannot bring; as root it is installed from Debian's packages.
browser:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || { \
	  [ "$$(id -u)" = 0 ] || { echo "the console's tests need: apt-get install chromium chromium-driver" >&2; exit 1; }; \
	  apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null; }

test: $(STAMP) browser  ## Run all tests: unit, integration, behaviour, e2e
	$(BIN)/python -m pytest $(TEST_FOLDERS) -m "not alone" --numprocesses auto --durations=15
	$(BIN)/python -m pytest $(filter-out tests/unit tests/behaviour,$(TEST_FOLDERS)) -m alone --durations=15

soak: $(STAMP)  ## Keep the platform under load for 45 minutes, with and without kills
	$(BIN)/python -m pytest tests/soak

unit: $(STAMP)  ## Run the fast tests, which need no Ray
	$(BIN)/python -m pytest tests/unit --numprocesses auto

check: $(STAMP)  ## Check format, lint, types and that generated docs are up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m polyloop.spec.reference --check
	$(BIN)/python -m polyloop.serving.metrics.dashboard --check

format: $(STAMP)  ## Put the code in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP)  ## Write the generated docs
	$(BIN)/python -m polyloop.spec.reference
	$(BIN)/python -m polyloop.serving.metrics.dashboard

$(PEERS_STAMP): $(PEERS_FILE)
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r $(PEERS_FILE)
	@touch $@

peers: $(PEERS_STAMP)  ## Make .venv-peers with the servers that the benchmark serve compares with

bench: $(STAMP)  ## Run the benchmarks, or one: make bench NAME=serve
	$(BIN)/polyloop bench $(NAME)

clean:  ## Remove the virtual environment, caches and what runs have written here
	rm -rf $(VENV) $(PEERS) .polyloop build dist .hypothesis .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
