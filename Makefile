# Afterword's tasks. `make` alone lists them; `make demo` and `make test` are all that one needs to begin.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

# Rust's own tools may have been installed a moment ago, by .ci/setup, where this shell does not look yet.
#
# ccache comes in by standing first in PATH under the compiler's own names, not by CC and CXX: the build script of RocksDB
# watches those variables, and setting one would throw away a compiled RocksDB. PATH it does not watch. With the cache, a
# second compile of RocksDB (another checkout, another profile, after `make clean`) takes a few minutes instead of twenty.
CCACHE := $(firstword $(wildcard /usr/lib/ccache/bin /usr/lib64/ccache /usr/lib/ccache))
export PATH := $(if $(CCACHE),$(CCACHE):,)$(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

# Where cargo builds. Set CARGO_TARGET_DIR to share one build among checkouts.
TARGET := $(or $(CARGO_TARGET_DIR),target)

# Seeds of `make simulate-long`, the first of them, kills of `make kill-test`.
SEEDS ?= 20000
FIRST_SEED ?= 0
KILLS ?= 200

# Arguments for what is run: `make demo ARGS="--seed 7"`, `make test ARGS=a_name_of_tests`.
ARGS ?=

.PHONY: help
help: ## List these targets
	@echo 'make TARGET, where TARGET is one of'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name line; do printf '  %-14s %s\n' "$$name" "$$line"; done

.PHONY: demo
demo: setup hint-dev ## Everything in one process, with made-up history and live traffic; prints the addresses to open
	cargo run --locked -p afterword -- demo $(ARGS)

.PHONY: test
test: setup services hint-dev ## Every test: rules, codec, log, 1,000 simulated seeds, style, a short kill test
	cargo test --locked --workspace $(ARGS)

# KAFKA_DATA keeps what the brokers hold; two clusters must not share it.
.PHONY: kafka
kafka: ## A real Apache Kafka broker on 127.0.0.1:9092 in the foreground; KAFKA_DATA=kafka-data/one keeps its data
	@exec deploy/kafka/brokers 1 "$(or $(KAFKA_DATA),kafka-data/one)"

.PHONY: kafka-three
kafka-three: ## Three brokers on 127.0.0.1:9092 to 9094, of which one may fail; KAFKA_DATA=kafka-data/three
	@exec deploy/kafka/brokers 3 "$(or $(KAFKA_DATA),kafka-data/three)"

.PHONY: demo-kafka
demo-kafka: setup hint-dev ## The demo on a real Kafka: two processors share the work, and either may be killed
	cargo build --locked -p afterword
	@KAFKA_DATA="$(KAFKA_DATA)" exec deploy/kafka/demo $(TARGET)/debug/afterword

.PHONY: test-kafka
test-kafka: setup services hint-dev ## The long suite on real brokers, an hour or more: hundreds of kills, zombies, late requests; every defence switched off in turn
	cargo test --locked -p afterword-integration-tests --test kafka $(ARGS) -- --include-ignored --nocapture --test-threads 1

.PHONY: bench-kafka
bench-kafka: setup services hint-release ## Throughput, latency, take-over and restore on a real broker, beside bare librdkafka (release build)
	cargo build --locked --release -p afterword
	cargo bench --locked -p afterword-integration-tests --bench kafka $(ARGS)

.PHONY: services
services: ## Install what tests against real servers need beside: Java, Kafka, a schema registry, PostgreSQL, Prometheus
	@.ci/services

.PHONY: build
build: setup hint-dev ## The program alone, as `make demo` builds it: target/debug/afterword
	cargo build --locked -p afterword

.PHONY: program
program: setup hint-release ## The program for real use: target/release/afterword
	cargo build --locked --release -p afterword

.PHONY: release
release: program ## What a release consists of, in target/dist: archive, Debian package, list of components (SBOM), checksums
	deploy/release/build $(TARGET)/release/afterword $(TARGET)/dist

.PHONY: package
package: program ## A Debian package of the release build: target/debian/afterword_VERSION_ARCHITECTURE.deb
	deploy/debian/build $(TARGET)/release/afterword $(TARGET)/debian

.PHONY: dashboards
dashboards: ## Grafana's dashboards anew from deploy/watch/dashboards.py
	deploy/watch/dashboards.py

.PHONY: docs
docs: ## The documents as a site, by mdBook: target/book/index.html
	docs/build $(TARGET)/book
	@echo 'open $(TARGET)/book/index.html'

.PHONY: asyncapi
asyncapi: ## docs/asyncapi.yaml anew from schemas/*.avsc
	"$$(.ci/checkers)/bin/python" schemas/asyncapi.py

.PHONY: check
check: setup ## Formatting and lints; no warning passes
	cargo fmt --all --check
	@$(MAKE) hint-dev
	cargo clippy --locked --workspace --all-targets -- -D warnings

.PHONY: fmt
fmt: setup ## Format the code
	cargo fmt --all

.PHONY: fmt-check
fmt-check: setup ## Only whether the code is formatted: seconds, compiles nothing
	cargo fmt --all --check

.PHONY: licences
licences: setup ## Licences, sources and, where the network allows it, advisories of the dependencies
	.ci/licences

.PHONY: simulate-long
simulate-long: setup hint-dev ## The simulator for longer: SEEDS=20000 FIRST_SEED=0
	AFTERWORD_SEEDS=$(SEEDS) AFTERWORD_FIRST_SEED=$(FIRST_SEED) cargo test --locked -p afterword-integration-tests --test simulation every_seed $(ARGS) -- --nocapture

.PHONY: kill-test
kill-test: setup hint-dev ## kill -9 at random during import and processing: KILLS=200
	AFTERWORD_KILLS=$(KILLS) cargo test --locked -p afterword-integration-tests --test processes killed $(ARGS) -- --nocapture

.PHONY: million
million: setup hint-release ## A million conversations through the release build: speed, memory, recovery
	cargo test --locked --release -p afterword-integration-tests --test processes million $(ARGS) -- --ignored --nocapture

.PHONY: bench
bench: setup hint-release ## Measure decode, fold, engine, append and restore against their limits (release build)
	cargo bench --locked -p afterword -p afterword-log -p afterword-readmodel --bench '*' $(ARGS)

.PHONY: clean
clean: ## Remove what was built (the compiler cache stays)
	cargo clean

.PHONY: setup
setup: ## Install what is missing on Debian or Ubuntu; say what to install elsewhere
	@.ci/setup

# RocksDB is 340 files of C++. Whoever waits for them should know beforehand.
.PHONY: hint-dev hint-release
hint-dev:
	@$(call hint,debug)
hint-release:
	@$(call hint,release)

define hint
if ! compgen -G '$(TARGET)/$(1)/build/librocksdb-sys-*/out/librocksdb.a' >/dev/null; then \
	echo 'First compile here: 20 to 30 minutes on two cores, a few on many. Most of it is RocksDB (C++), which shows no'; \
	echo 'progress of its own while cargo says "Building … librocksdb-sys". It is compiled once: later runs take seconds to a few minutes.'; \
fi
endef
