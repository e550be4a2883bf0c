# What a person does here. `make` alone lists it.

.DEFAULT_GOAL := help
.PHONY: help demo demo-docker test check bench build setup

CARGO := scripts/cached.sh cargo

# The crates that need no solver, no server and no time.
PURE := coc-model coc-goals coc-optimizer coc-plan coc-checker coc-formats coc-engine-exhaustive xtask

help:
	@echo 'make demo         build, and show a shop over several simulated clouds'
	@echo 'make demo-docker  build, and show it on two real Docker engines (root)'
	@echo 'make test         every test, real Docker engines too (root)'
	@echo 'make check        before a commit: format, lints, rules, tests of the pure crates'
	@echo 'make bench        speed, and quality of answers'
	@echo 'make build        target/release/coc'

setup:
	@scripts/setup.sh

build: setup
	$(CARGO) build --release --locked --package coc

demo: build
	examples/shop/demo.sh

demo-docker: build
	examples/docker/demo.sh

test:
	@scripts/test.sh

check: setup
	cargo fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	cargo xtask tidy
	$(CARGO) test --locked $(PURE:%=--package %)

bench: setup
	$(CARGO) bench --workspace --locked
