# Every target does its own set-up and is idempotent. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# The tests' and the demo's cluster is our own; a KUBECONFIG that happens to be set is never looked at.
unexport KUBECONFIG

.PHONY: help
help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.PHONY: setup
setup: ## Installs the npm packages, the PKCS#11 addon, SoftHSM and OpenBao (for tests)
	@scripts/setup.sh

.PHONY: demo
demo: setup ## Shows a swap signed in an HSM token: first as plain processes, then on a real Kubernetes node (root)
	@node test/e2e/demo.ts

.PHONY: demo-down
demo-down: ## Stops what the demo and the stack started
	@if [ -x node_modules/.bin/node ]; then node test/e2e/demo.ts down; else echo "nothing was set up here, so nothing runs"; fi

.PHONY: stack
stack: setup ## Runs ledger, signer and connector as plain processes and does one swap (no root, no Kubernetes)
	@node test/e2e/stack.ts up

.PHONY: stack-down
stack-down: ## Stops the stack
	@if [ -x node_modules/.bin/node ]; then node test/e2e/stack.ts down; else echo "nothing was set up here, so nothing runs"; fi

.PHONY: test
test: setup ## Runs every test: unit, signer, connector, sandbox, API server, node, Hummingbot, verify
	@node scripts/test.ts

.PHONY: test-unit
test-unit: setup ## Runs the tests that need neither Kubernetes nor root (under a minute)
	@node scripts/test.ts unit

.PHONY: test-sidecar
test-sidecar: setup ## Runs the tests of the signer: policy, journal, PKCS#11, Vault, ceremony, crashes
	@node scripts/test.ts sidecar

.PHONY: test-connector
test-connector: setup ## Runs the tests of the connector: contract, transactions, markets, verification, crashes
	@node scripts/test.ts connector

.PHONY: test-hummingbot
test-hummingbot: setup ## Drives the stock Hummingbot client against the stack; INSTALL=1 fetches the client first (10 minutes)
	@node test/hummingbot/main.ts $(if $(INSTALL),--install)

.PHONY: test-sandbox
test-sandbox: setup ## Runs the tests of the sandbox: ledger, conformance, Horizon, RPC, faults
	@node scripts/test.ts sandbox

.PHONY: test-cluster
test-cluster: setup ## Runs the tests against a real API server
	@node scripts/test.ts cluster

.PHONY: test-node
test-node: setup ## Runs the tests on a real Kubernetes node (root)
	@node scripts/test.ts node

.PHONY: conformance
conformance: setup ## Replays ledgers of a real stellar-core: CORPUS=FOLDER [FROM=CHECKPOINT] [TO=LEDGER]
	@node test/sandbox/conformance/main.ts --corpus '$(CORPUS)' --from '$(FROM)' --to '$(TO)'

.PHONY: recorded
recorded: setup ## Asks recorded exchanges of a real Horizon (RPC=1: Stellar RPC) again: FOLDER=… [BASE=URL of a server]
	@node test/sandbox/recorded/main.ts --folder '$(FOLDER)' $(if $(BASE),--base '$(BASE)') $(if $(RPC),--rpc)

.PHONY: bench-sandbox
bench-sandbox: setup ## Measures the sandbox: operations a second, memory over 10,000 ledgers, start
	@node --expose-gc test/bench/sandbox.ts

.PHONY: bench-signer
bench-signer: setup ## Measures the signer against its token and its Vault (about 3 minutes)
	@UV_THREADPOOL_SIZE=8 node test/bench/signer.ts

.PHONY: bench-connector
bench-connector: setup ## Measures the connector with its signer and ledger (about 5 minutes)
	@node test/bench/connector.ts

.PHONY: soak
soak: setup ## Runs what takes hours: orders, kills, fuzz, Hummingbot, signer; PART=one of them
	@node test/soak/main.ts $(if $(PART),--part '$(PART)') $(if $(SCALE),--scale '$(SCALE)')

.PHONY: verify
verify: setup ## Format, lint, types, generated files, layer rules, chart, lock file, secret scan
	@node scripts/test.ts verify

.PHONY: generate
generate: setup ## Writes the generated files: types of the CRDs, CRDs of the chart, traceability page
	@node scripts/generate.ts

.PHONY: format
format: setup ## Formats the sources
	@biome check --write .

.PHONY: cluster-build
cluster-build: setup ## Builds Kubernetes, containerd and the base image into the cache (once, about 10 minutes)
	@node test/cluster/main.ts build

.PHONY: cluster-up
cluster-up: setup ## Starts the Kubernetes node in namespaces of its own (root)
	@node test/cluster/main.ts up

.PHONY: cluster-down
cluster-down: ## Stops the Kubernetes node and removes what it left
	@if [ -x node_modules/.bin/node ]; then node test/cluster/main.ts down; else echo "nothing was set up here, so nothing runs"; fi
