# Every command a newcomer needs. Each target does the set-up it depends on, so that `make demo` is a complete first step.

PYTHON_IN_TREE := .venv/bin/python
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-docker test-docker-random image soak bench lint proto lock clean

help:
	@echo 'Headwater: decentralised live video on a CometBFT app-chain. First time here? Run:'
	@echo
	@echo '  make demo                       a whole network on this machine: stream, transcode, claim, verify, pay, play'
	@echo '  make test                       every test; the same set-up, no other step'
	@echo
	@echo 'More:'
	@echo '  make demo ARGS="--duration 60"  options go to `headwater demo`; see them with ARGS=--help'
	@echo '  make test ARGS="tests/unit -x"  options go to pytest; -m "not network and not media" leaves the slow ones out'
	@echo '  make image                      the container image `headwater`, for compose.yaml and tests/docker'
	@echo '  make test-docker                networks of containers that are broken on purpose; sets an engine up where it may'
	@echo '  make test-docker-random SEED=7  one network of random size with random troubles; the same seed, the same trouble'
	@echo '  make soak                       a million random operations, all invariants and the money to the unit; SEEDS, OPERATIONS'
	@echo '  make bench                      the performance table, each figure with its target'
	@echo '  make lint                       ruff and mypy --strict, as tests/architecture runs them'
	@echo '  make setup                      only the set-up: .venv, the CometBFT binary, the sample clip'
	@echo '  make proto                      regenerate the protobuf modules from their .proto files'
	@echo '  make lock                       renew requirements.lock from requirements.in, and requirements-image.lock'
	@echo '  make clean                      remove everything that set-up and the tools made (.venv, .cache, caches)'
	@echo
	@echo 'Afterwards the command itself is .venv/bin/headwater; try .venv/bin/headwater --help.'
	@echo 'Another interpreter: make setup PYTHON=python3.12'

setup:
	@PYTHON='$(PYTHON)' .ci/setup

demo: setup
	@.venv/bin/headwater demo $(ARGS)

# Tests of networks mostly wait, so three processes of them keep two cores busy. ARGS="-n 0" runs them in one. Files are
# taken in their order: those with networks, which take long, come before the many short ones.
test: setup
	@$(PYTHON_IN_TREE) -m pytest -n 3 --no-loadscope-reorder $(ARGS)

image: setup
	@.ci/engine
	@.ci/image

test-docker: setup
	@.ci/engine
	@$(PYTHON_IN_TREE) -m pytest tests/docker $(ARGS)

test-docker-random: setup
	@.ci/engine
	@HEADWATER_SEED='$(or $(SEED),$(shell date +%s))' $(PYTHON_IN_TREE) -m pytest tests/docker/test_random.py $(ARGS)

# OPERATIONS of all SEEDS together; a seed that fails is named, and plays again alone.
soak: setup
	@$(PYTHON_IN_TREE) -m tests.support.soak --seeds '$(or $(SEEDS),1,2,3,4)' --operations '$(or $(OPERATIONS),1000000)' $(ARGS)

bench: setup
	@$(PYTHON_IN_TREE) -m tests.benchmarks $(ARGS)

lint: setup
	@$(PYTHON_IN_TREE) -m ruff check .
	@$(PYTHON_IN_TREE) -m ruff format --check .
	@$(PYTHON_IN_TREE) -m mypy

proto: setup
	@$(PYTHON_IN_TREE) -m grpc_tools.protoc -I. --python_out=. --pyi_out=. app/abci/proto/abci.proto
	@$(PYTHON_IN_TREE) -m grpc_tools.protoc -Iapp/messages/proto --python_out=app/messages --pyi_out=app/messages headwater.proto

# uv resolves for every platform at once, which pip cannot; it is fetched only here, where a lock file is renewed.
lock: LOCK := --quiet --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock: setup
	@test -x .cache/lock/bin/uv || { $(PYTHON_IN_TREE) -m venv .cache/lock && .cache/lock/bin/pip install --quiet uv; }
	@.cache/lock/bin/uv pip compile $(LOCK) --universal requirements.in --output-file requirements.lock
	@.cache/lock/bin/uv pip compile $(LOCK) --python-platform linux --constraints requirements.lock pyproject.toml \
	  --output-file requirements-image.lock
	@echo 'requirements.lock is renewed, and of it requirements-image.lock; `make test` installs it and runs the tests with it.'

clean:
	@rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis build ./*.egg-info
	@find app chain genesis transcoder tests -name __pycache__ -type d -prune -exec rm -rf {} +
