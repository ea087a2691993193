# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# Scenarios, in the order in which they run; `make molecule SCENARIOS=flip` runs one. Those with a file `thorough`, which says
# what else covers their capability, run in `make test-all` alone. Those with a file `hostless` need no host of the lab, and run
# beside the others in `make test`. What cuts runs off and what measures users' latency come last, when nothing runs beside them any more.
LAST = faults load
FOUND = $(patsubst molecule/%/molecule.yml,%,$(wildcard molecule/*/molecule.yml))
ALL_SCENARIOS = $(filter-out $(LAST),$(FOUND)) $(LAST)
SCENARIOS ?= $(filter-out $(patsubst molecule/%/thorough,%,$(wildcard molecule/*/thorough)),$(ALL_SCENARIOS))
HOSTLESS = $(patsubst molecule/%/hostless,%,$(wildcard molecule/*/hostless))
# File sets that the differential fuzz of `make test` reads with both parsers.
EXAMPLES ?= 3000
# Requests that `make load` makes at least.
REQUESTS ?= 20000
# Generated policy files that each release's own Glance decides about as well in `make test`.
FILES ?= 10
# The scenarios wait for services most of the time; what only computes runs beside them.
GATES = images beside environments then molecule beside lint unit unit-cores docs package sanity fuzz compile catalogue policy hostless

IN = tests/bin/with-env main
LAB = $(IN) molecule/lab/lab
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL = help
.PHONY: help python env environments images execution-environment demo demo-back lab-up lab-down lab-shell lint format unit unit-cores docs package catalogue policy sanity compile fuzz molecule hostless test test-all bench faults load

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 24

python:
	@command -v python3 >/dev/null || { echo 'installing python3 with apt-get'; \
	    apt-get update -q && apt-get install -q -y --no-install-recommends python3; } || \
	    { echo 'Python 3.11 or later is needed: install python3 and run this again.' >&2; exit 1; }

env: python
	@python3 tests/bin/bootstrap.py main

environments: python ## Make the Python environments: ansible-core 2.19, 2.16 and, where Python 3.12 is found, the newest
	@python3 tests/bin/bootstrap.py main core-2.16 newest

demo: env ## Flip a real cloud in containers from the Images API v1 to v2, and show it
	@$(IN) molecule/lab/demo flip

demo-back: env ## Flip the demo's cloud back to the Images API v1
	@$(IN) molecule/lab/demo back

lab-up: env ## Start the lab: Keystone, two Glance hosts, two Nova hosts
	@$(LAB) up

lab-down: env ## Remove the lab's containers
	@$(LAB) down

lab-shell: env ## Open a shell in a host of the lab: make lab-shell HOST=glance1
	@$(LAB) shell $(HOST)

images: python ## Build the lab's images, those that are absent
	@python3 molecule/lab/lab images

execution-environment: env ## Build the execution environment of examples/awx
	@$(IN) molecule/lab/execution-environment

lint: env ## ansible-lint, yamllint, ruff, mypy, changelog and documentation
	@$(IN) tests/bin/lint

format: env ## Format the Python code that is not for old hosts
	@$(IN) ruff check --fix --select I .
	@$(IN) ruff format .

unit: env ## Unit tests
	@$(IN) pytest -q tests/unit

unit-cores: environments ## Unit tests of what leans on ansible-core, with the oldest and the newest
	@tests/bin/unit-cores

docs: python ## Build the documentation as a site in .cache/docs/html
	@python3 tests/bin/bootstrap.py docs
	@tests/bin/with-env docs python docs/site/build.py

package: python ## Build the tarball as Galaxy takes it, and run a playbook of it in an empty environment
	@python3 tests/bin/bootstrap.py package
	@tests/bin/with-env package python tests/bin/package.py

catalogue: env ## Compare the release catalogue with the option objects and policies of four live releases
	@$(IN) python tests/catalogue/check.py

policy: env ## Compare computed decisions with those of four releases' own Glance: make policy FILES=100
	@$(IN) python tests/policy/differential.py --files $(FILES)

compile: environments ## Compile what runs on managed hosts with Python 2.7 and 3.6
	@$(IN) python tests/bin/compile_hosts.py

sanity: environments ## ansible-test sanity with ansible-core 2.19, 2.16 and the newest
	@python3 tests/bin/sanity.py main core-2.16 newest

fuzz: env ## Compare the reader of oslo.config files with oslo.config itself
	@$(IN) python tests/fuzz/run.py --examples $(EXAMPLES)

molecule: environments ## Scenarios against the lab: make molecule SCENARIOS="flip tls"
	@tests/bin/molecule $(SCENARIOS)

hostless: environments ## Scenarios that need no host of the lab
	@tests/bin/molecule $(HOSTLESS)

test: python ## Every gate, with its duration
	@SCENARIOS="$(filter-out $(HOSTLESS),$(SCENARIOS))" python3 tests/bin/gates.py $(GATES)

test-all: python ## Every gate, every case on every release, a longer fuzz and the benchmarks
	@EXAMPLES=100000 FILES=100 THOROUGH=1 SCENARIOS="$(filter-out $(HOSTLESS),$(ALL_SCENARIOS))" python3 tests/bin/gates.py $(GATES) then bench

bench: env ## What a flip that changes nothing, and 40 options, cost beside the usual way
	@$(IN) benchmarks/run

faults: env ## Cut flips and rollbacks off wherever that is possible: make faults POINTS=20, or POINTS='host crashed'
	@$(IN) molecule/lab/faults --points '$(POINTS)'

load: env ## 20,000 requests of users who must not notice a change of policy, TLS, a flip and the ways back
	@$(IN) python benchmarks/load.py --requests $(REQUESTS)
