# Every task of the project, for people and for CI alike. `make` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# cargo uses every core by itself; two of them at once would only wait for each other's lock.
.NOTPARALLEL:

# The crates whose properties `make fuzz` tries: those without I/O, outbound for what it takes for an address, and engine for
# what it makes of a request.
FUZZED := domain signature delivery outbound expression presets engine
# Cases a property: half a minute on two cores, once built. `make fuzz CASES=100000000` for a night.
CASES ?= 200000
# And after that, seconds for each fuzz target.
FUZZ_SECONDS ?= 600

CARGO_DENY_VERSION := 0.20.2

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Built as for tests: a release takes several times as long, and `make test` has nothing left to build.
.PHONY: demo
demo: ## Build the program and see a webhook go in and come out, with sample data
	scripts/setup build
	npm --prefix web run --silent build
	cargo build --workspace
	target/debug/ccsp-mailer demo

.PHONY: run
run: ## Build the program and run it on ./ccsp-data
	scripts/setup build
	npm --prefix web run --silent build
	cargo build --release
	target/release/ccsp-mailer serve

.PHONY: web
web: ## Build the web page into web/dist, which the next build of the program takes in
	scripts/setup build
	npm --prefix web run --silent build

.PHONY: screenshots
screenshots: ## Take a picture of every page of the web admin into docs/images
	scripts/setup
	npm --prefix web run --silent build
	cargo build
	SCREENSHOTS=$(CURDIR)/docs/images npm --prefix web run --silent e2e -- --config playwright.screenshots.config.ts

# The doc tests come apart from the rest because nextest doesn't run them, and before it so that its summary ends
# the output.
.PHONY: test
test: ## Install what tests need, then check format and lints and run every test, as CI does
	scripts/setup
	cargo fmt --all --check
	rustfmt --check --edition 2024 fuzz/lib.rs fuzz/targets/*.rs
	npm --prefix web run --silent check
	npm --prefix web run --silent build
	cargo clippy --workspace --all-targets -- -D warnings
	cargo build --workspace
	cargo test --workspace --doc
	npm --prefix web run --silent e2e
	PAGE_IS_BUILT=yes scripts/with-postgres cargo nextest run --workspace

# The database must write as in production, or the figures would flatter it.
.PHONY: bench
bench: ## Measure the program against the machine's bare limit, into BENCHMARKS.md
	scripts/setup
	cargo build --release --workspace
	scripts/with-postgres --durable cargo run --release -p bench

# Property tests are those named prop_…; `make test` runs them with a few hundred cases each. A failure is kept
# in a proptest-regressions file beside the test: commit it, so that the case is tried first from then on.
.PHONY: fuzz
fuzz: ## Try the properties with many random cases (CASES=200000), then look for inputs that break something (FUZZ_SECONDS=600)
	scripts/setup
	PROPTEST_CASES=$(CASES) cargo nextest run --profile fuzz --release $(addprefix -p ,$(FUZZED)) -E 'test(/(^|::)prop_/)'
	scripts/fuzz $(FUZZ_SECONDS)

# As CI does after the tests.
.PHONY: fuzz-short
fuzz-short: ## Look for inputs that break something, guided by what they reach: 20 seconds for each target
	scripts/setup build
	scripts/fuzz 20

# Outside `make test`, for the answer depends on the world and not on the change under test.
.PHONY: deny
deny: ## Check licences, duplicates and sources of the dependencies
	cargo deny --version >/dev/null 2>&1 || cargo install cargo-deny --version $(CARGO_DENY_VERSION) --locked
	cargo deny --workspace --all-features check licenses bans sources

.PHONY: docs
docs: ## Build the API documentation of the crates into target/doc
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace
