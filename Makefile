# The targets a contributor needs; each does its own set-up. `make help` prints them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help venv setup root demo test check fmt cluster conformance bench image chart crd lock clean

PYTHON_PATHS := $(wildcard src tests conformance bench tools examples)

help: ## print this
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 14

venv: ## make .venv from the locks: no root, no Go
	@bash tools/venv.sh dev

setup: venv ## venv, Debian packages (root), Helm and the control plane of Kubernetes (Go)
	@bash tools/debian.sh
	@bash tools/helm.sh >/dev/null
	@bash conformance/kubernetes/build.sh

demo: ## the lab: nodes, sessions and routes in a minute, without root and without Kubernetes
	@bash tools/venv.sh runtime
	@if [ -t 1 ]; then exec .venv/bin/porter lab; else exec .venv/bin/porter lab --script demo; fi

# Said before minutes of set-up, not after: network namespaces belong to root.
root:
	@[ "$$(id -u)" -eq 0 ] || { echo "make: not root, and network namespaces need it; run: sudo make $(MAKECMDGOALS)" >&2; exit 1; }

test: root setup ## all tests, with coverage and the built wheel (root; sets everything up)
	@bash tools/test.sh

check: venv ## format, lint, types, import contracts, spelling, generated files, layout
	.venv/bin/ruff format --check --quiet $(PYTHON_PATHS)
	.venv/bin/ruff check --quiet $(PYTHON_PATHS)
	.venv/bin/mypy $(PYTHON_PATHS)
	.venv/bin/lint-imports --no-cache
	.venv/bin/codespell
	.venv/bin/python tools/generated.py
	.venv/bin/pytest -q tests/test_layout.py tests/test_imports.py

fmt: venv ## format, and mend what the linter can mend
	.venv/bin/ruff format $(PYTHON_PATHS)
	.venv/bin/ruff check --fix $(PYTHON_PATHS)

cluster: root setup ## the cluster of the main test, kept up; prints its KUBECONFIG (root)
	@exec .venv/bin/python -m conformance.rig up

conformance: root setup ## the tests against real routers and a real control plane only (root)
	@bash tools/test.sh conformance

bench: root setup ## our speaker and others', one run, ratios printed (root)
	@exec .venv/bin/python -m bench

image: ## the container image, looked into and run as uid 65532 (root; sets everything up)
	@bash tools/image.sh

chart: root setup ## lint, render and install the Helm chart on a real control plane (root)
	@bash tools/chart.sh

crd: venv ## write the generated files anew
	.venv/bin/python tools/generated.py --write

lock: venv ## resolve the lock files from pyproject.toml; UPGRADE=1 takes the newest versions
	@bash tools/lock.sh $(if $(UPGRADE),--upgrade)

clean: ## remove .venv, build and caches
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
