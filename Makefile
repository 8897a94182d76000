# Everything that is done often. `make help` lists it.

SWIFT ?= swift
# Optimised, but without whole-program passes over every dependency: see README "Build".
RELEASE_FLAGS ?=

.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

deps: ## install the Debian packages that are missing
	@scripts/install-deps

build: deps ## debug build of everything
	$(SWIFT) build

release: deps ## optimised tsq and planets in .build/release
	$(SWIFT) build -c release $(RELEASE_FLAGS) --product tsq
	$(SWIFT) build -c release $(RELEASE_FLAGS) --product planets

test: deps ## debug build and all tests
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build

demo: deps ## demo application, load and server; prints what to open and try
	@echo "demo: building tsq and the demo application (the first build takes some minutes) ..."
	$(SWIFT) build --product planets
	$(SWIFT) build --product tsq
	@exec .build/debug/tsq demo

bench: deps ## benchmarks of the library, and the comparison with Debian's peers
	scripts/bench

goldens: ## write the golden files in testdata/ anew from what the code answers now
	TSQ_UPDATE_GOLDENS=1 $(SWIFT) test --filter 'TSQHTTPTests|TSQCommandTests|TSQDashboardTests'

format: ## format the sources in place
	$(SWIFT) format format --in-place --recursive --parallel Package.swift Sources Tests Benchmarks

lint: ## check the format of the sources
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests Benchmarks

clean: ## remove build products
	rm -rf .build

.PHONY: help deps build release test demo bench goldens format lint clean
