# `make up` runs a chat system here; `make test` proves everything. Both set up what they need by themselves.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev up down test chaos lint format generate bench images lock clean

export PYTHON ?= python3
export VENV ?= .venv
BIN := $(VENV)/bin
TIER ?= all
STORES ?= embedded
export BASE ?=
export FILE ?=
export REPOSITORY TAG BASE CA_FILE

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Set up .venv with what `make up` needs
	@requirements/install.sh local

setup-dev:
	@requirements/install.sh dev

up: setup ## Run a chat system in the foreground until Ctrl-C (FILE=declaration.yaml for your own)
	@exec "$(BIN)"/chatsystem up $${FILE:+-f "$$FILE"}

test: setup-dev ## Run all tests, or one tier: TIER=unit|stores|e2e|swarm|kubernetes
	@tests/run $(TIER)

chaos: setup-dev ## Break every part while messages flow: PART= FAULT= PAIRS= SEED= MINUTES= RATE=
	@"$(BIN)"/python -m tests.chaos $(foreach option,PART FAULT PAIRS SEED MINUTES RATE,$(if $($(option)),--$(shell echo $(option) | tr A-Z a-z) $($(option))))

lint: setup-dev ## Check style, types, import rules and generated files
	@"$(BIN)"/ruff check .
	@"$(BIN)"/ruff format --check --quiet .
	@"$(BIN)"/mypy
	@"$(BIN)"/lint-imports --no-logo
	@"$(BIN)"/python -m services.stores.migration_rules
	@tests/generated

format: setup-dev ## Format the code
	@"$(BIN)"/ruff format .
	@"$(BIN)"/ruff check --fix .

generate: setup-dev ## Write the generated files anew: protobuf modules, CRDs, reference pages
	@tests/generated --write

bench: setup-dev ## Measure throughput, latency, CPU and memory here (STORES=production; BASE=revision compares with it)
	@"$(BIN)"/python -m bench --stores "$(STORES)" $${BASE:+--base "$$BASE" --only pairs}

images: ## Build the images: REPOSITORY=chatsystem TAG=version BASE=python:3.12-slim (BASE=debian: without a registry)
	@images/build.sh

lock: setup-dev ## Pin the dependencies anew (UPGRADE=--upgrade for newer versions)
	@requirements/compile.sh $(UPGRADE)

clean: ## Remove the environment and caches (never the data of a chat system)
	rm -rf "$(VENV)" .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
