# Everything runs in .venv, made here from requirements-dev.txt; nothing else of the machine is needed but
# Python >= 3.11, make and git. The emulator of tests/iam has .venv-ministack, from requirements-ministack.txt.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PLUGINS := ansible_collections.stateful.aws.plugins
CLUSTER ?= demo
export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANSIBLE_LOCALHOST_WARNING := false
export ANSIBLE_INVENTORY_UNPARSED_WARNING := false

.PHONY: demo test long check cloud soak benchmark setup clean
demo: setup            ## The whole story on the local cloud, judged at its end
	python -m local_cloud.demo

test: setup .venv-ministack/.ready ## All tests
	python -m pytest -n 2 --dist loadscope
	cd extensions && molecule test

long: setup            ## The tests that take minutes: the demo, killed runs and storms, clusters as they are met, mutants
	python -m pytest -n 2 --dist loadscope -m "long and not soak"

check: setup           ## Linters and types
	ruff check .
	ruff format --check .
	mkdir -p .cache/mypy/ansible_collections/stateful && ln -sfn "$(CURDIR)" .cache/mypy/ansible_collections/stateful/aws
	MYPYPATH=.cache/mypy mypy -p $(PLUGINS).module_utils -p $(PLUGINS).action
	MYPYPATH=lambda_files mypy -p scaling
	yamllint .
	ansible-lint --profile production
	python -m tests.shellcheck_rendered

cloud: setup           ## The local cloud alone; prints the environment to export
	python -m local_cloud --stack $(CLUSTER)

soak: setup            ## Import and destroy killed at every AWS call, many seeds of the fault layer, and 100,000 more simulated days
	python -m pytest -n 2 -m soak tests/integration tests/scaling
	python -m tests.scaling.simulation --first 10000 --count 100000

benchmark: setup       ## Speed figures, side by side with amazon.aws and community.aws
	python -m benchmarks

setup: .venv/.ready
.venv/.ready: requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	collections=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/ansible_collections && \
	  mkdir -p $$collections/stateful && ln -sfn "$(CURDIR)" $$collections/stateful/aws
	touch $@

.venv-ministack/.ready: requirements-ministack.txt
	$(PYTHON) -m venv .venv-ministack
	.venv-ministack/bin/pip install --quiet --disable-pip-version-check -r requirements-ministack.txt
	touch $@

clean:
	rm -rf .venv .venv-ministack .cache build
