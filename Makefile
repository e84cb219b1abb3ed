# Why: the few things that people do with this tree, each with its own set-up, on a fresh Debian 12
# or 13 as root or with sudo.
.DEFAULT_GOAL := help
.PHONY: help setup build run check test test-all bench nightly sim-nightly sweep-nightly fmt clean
JOBS ?= $(shell nproc)
FOR ?=
STEPS ?=
export JOBS FOR

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20
	@echo
	@echo "  make run FOR=90s        ends by itself after 90 seconds"
	@echo "  make test STEPS=tidy    one step only: setup format tidy alerts unit tsan sim gcc integration service"

setup: ## install what building needs (only what is missing)
	@scripts/setup.sh build

build: setup ## build/leverd and build/leverd-sandbox
	@begun=$$(date +%s); echo "build: configuring"; \
	cmake --preset release > build-configure.log 2>&1 || { cat build-configure.log; exit 1; }; \
	rm -f build-configure.log; echo "build: compiling with $(JOBS) jobs"; \
	cmake --build build -j $(JOBS) --target leverd leverd-sandbox && \
	echo "build: done after $$(( $$(date +%s) - begun )) s"

run: build ## leverd against the bundled sandbox, page on http://127.0.0.1:9847/
	@tests/sandbox/run.sh

check: ## format, tidy and the unit tests of what changed; minutes
	@scripts/check.sh $(BASE)

test: ## everything that CI runs; at most 45 minutes on two quiet cores
	@scripts/test.sh $(STEPS)

test-all: ## the full campaigns and both Debian releases; at most 4 hours
	@scripts/test.sh all $(STEPS)

bench: ## measure leverd beside what it replaces
	@scripts/setup.sh bench
	@$(MAKE) --no-print-directory build
	@cmake --build build -j $(JOBS) --target bench_engine bench_ledger
	@tests/bench/run.sh

INCIDENTS ?= 1000000
nightly: sim-nightly sweep-nightly ## both of the next
sim-nightly: ## a million simulated incidents, other seeds each day
	@scripts/setup.sh build
	@tests/sim/run.sh $(INCIDENTS) $$(date +%y%m%d0000)
	@cmake --build build -j $(JOBS) --target sim_app
	@SIM_SEEDS=500 SIM_FIRST=$$(date +%y%m%d0000) build/sim_app

sweep-nightly: ## kill leverd at every single write of a firing
	@scripts/setup.sh test
	@$(MAKE) --no-print-directory build
	@KILLS=0 tests/integration/sweep.sh

fmt: ## format the C++ sources
	@scripts/format.sh --mend

clean: ## remove everything that was built
	@rm -rf build build-* && echo "clean: done"
