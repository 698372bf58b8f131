# `make` or `make help` lists the targets. Everything runs in .venv, which deploy/bootstrap keeps in step with uv.lock.
# Pass options through ARGS: `make logs ARGS="-f postgres-sink"`, `make test-unit ARGS="-k breaker"`.

.DEFAULT_GOAL := help
.PHONY: help ready up down status logs reset doctor test test-unit test-integration test-e2e test-chaos chaos check format dashboards bench bench-peers lock lock-jars sbom manifests

BIN := .venv/bin
ARGS ?=

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  \033[1m%-17s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

ready: ## Install uv (when missing) and the locked Python packages.
	@deploy/bootstrap

up: ready ## Start all servers and services and wait until they are healthy.
	@$(BIN)/axiom up $(ARGS)

down: ready ## Stop services and servers; data stays.
	@$(BIN)/axiom down $(ARGS)

status: ready ## Show every server and service: state, port, health.
	@$(BIN)/axiom status $(ARGS)

logs: ready ## Print the logs' ends; ARGS="-f redis-sink" follows one.
	@$(BIN)/axiom logs $(ARGS)

reset: ready ## Stop the stack and delete all its data (asks; ARGS=--yes does not).
	@$(BIN)/axiom reset $(ARGS)

doctor: ready ## Check what the stack needs of this machine.
	@$(BIN)/axiom doctor $(ARGS)

test: ready ## Run the tests, on real servers of their own, two stacks side by side (slow fault tests: make test-chaos).
	@$(BIN)/pytest -n 2 --dist worksteal -m "not chaos" $(ARGS)

test-chaos: ready ## Run the short, fixed part of make chaos, and the mutants that its checker must catch.
	@$(BIN)/pytest -m chaos $(ARGS)

test-unit: ready ## Run the tests that need no server, but for the slow ones, and with few examples of each property.
	@$(BIN)/pytest -n auto -m "not slow" --hypothesis-profile quick tests/unit $(ARGS)

test-integration: ready ## Run the tests of single parts on real servers.
	@$(BIN)/pytest tests/integration $(ARGS)

test-e2e: ready ## Run the tests of whole services as processes.
	@$(BIN)/pytest tests/e2e $(ARGS)

chaos: ready ## Break a system of its own in every way we know; ARGS="--seed 7 --rounds 3 --faults F1,F4".
	@$(BIN)/python -m tests.chaos $(ARGS)

check: ready ## Lint, formatting, strict types, architecture.
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/pytest -q tests/architecture

format: ready ## Format the code and fix what ruff can fix.
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

dashboards: ready ## Write Grafana's dashboards anew from deploy/observability/dashboards.
	@$(BIN)/python -m deploy.observability.dashboards

bench: ready ## Measure sinks, producer and latency; writes docs/benchmarks.md.
	@$(BIN)/python -m tests.bench $(ARGS)

bench-peers: ready ## Measure Kafka Connect, Quix Streams, Faust and Bytewax beside our sinks; writes docs/benchmarks.md.
	@$(BIN)/python -m tests.bench --peers $(ARGS)

lock: ready ## Lock the Python packages anew (uv.lock).
	@PATH="$$PWD/.uv/bin:$$PATH" uv lock $(ARGS)

lock-jars: ready ## Lock the jars of Java servers and peers anew (needs Maven).
	@$(BIN)/python -m deploy.embedded.lock_jars deploy/embedded/jars.toml tests/bench/peers/locked/connect.toml

sbom: ready ## Write the bill of materials of all Python packages (CycloneDX 1.5) to sbom.cdx.json.
	@.uv/bin/uv export --quiet --frozen --all-groups --no-emit-project --format cyclonedx1.5 --output-file sbom.cdx.json

manifests: ready ## Write deploy/kubernetes and three-brokers.yml anew, out of docker-compose.yml.
	@$(BIN)/python -m deploy.kubernetes
	@$(BIN)/python -m deploy.docker.three_brokers
