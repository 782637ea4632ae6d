# broker: what can be made. "make help" lists it.
SHELL := /bin/bash
GO ?= go
CONFIG ?= configs/development.yaml
FUZZTIME ?= 20s
GOLANGCI ?= github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{gsub(/\$$\$$/, "$$", $$2); printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/broker and bin/demo
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/broker ./cmd/broker
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/demo ./examples/demo

.PHONY: run
run: build ## serve configs/development.yaml on 127.0.0.1:8080: no AWS, no Redis
	@exec bin/broker serve -config $(CONFIG)

.PHONY: demo
demo: build ## walk through all flows against $$BROKER_URL, or a broker of its own
	@exec bin/demo -broker bin/broker -config $(CONFIG)

.PHONY: lint
lint: ## gofmt, vet and staticcheck; warnings are errors
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	  if [ -n "$$unformatted" ]; then echo "not gofmt-ed: $$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

.PHONY: golangci
golangci: ## golangci-lint by .golangci.yml, built from its module: minutes for the first time
	$(GO) run $(GOLANGCI) run

.PHONY: setup
setup: ## what the tests need: modules, a redis-server and spin, installed by apt-get where it may
	$(GO) mod download
	@scripts/setup

.PHONY: test
test: setup ## set-up, lint, model, all tests by the race detector; BROKER_TEST_WITHOUT=redis,spin leaves out both
	$(MAKE) --no-print-directory -j 3 --output-sync=target lint model unraced
	GORACE=$(GORACE) $(GO) test -race -timeout 25m ./...

# A process with the race detector sleeps a second before it ends, lest it miss the last races; the
# tests start hundreds of brokers.
GORACE = atexit_sleep_ms=20

# Tests of files with the build tag !race compare with a model, one step after the other: the race
# detector would see little and take ten times as long.
UNRACED = $(shell grep -l '^func Test' $$(grep -l '^//go:build !race' $$(git ls-files '*_test.go')))
.PHONY: unraced
unraced: ## the tests that the race detector does not run
	$(GO) test -timeout 25m -run "^($$(sed -n 's/^func \(Test[A-Za-z]*\)(.*/\1/p' $(UNRACED) | paste -sd'|'))$$" \
	  $(sort $(dir $(addprefix ./,$(UNRACED))))

.PHONY: model
model: ## the fence holds in docs/fence.pml, by SPIN, and fails without any of its steps: half a minute
	@scripts/model

.PHONY: e2e
e2e: build ## clients and login providers of others against the broker; e2e/README.md
	cd e2e && npm ci --no-audit --no-fund && npm test
	e2e/saml/run
	e2e/python/run
	cd e2e/zitadel && $(GO) vet ./... && $(GO) test -race -count=1 ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (default 20s) each
	@for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    echo "== $$package $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzzminimizetime 10x -fuzztime $(FUZZTIME) $$package || exit 1; \
	  done; done

.PHONY: bench
bench: build ## what answers, misses, fences, renewals, memory and each kind of login cost; docs/performance.md
	@$(GO) build -o bin/bench ./e2e/bench
	@bin/bench -broker bin/broker
	@$(GO) test -run '^$$' -bench FirstProof -benchtime 500x ./internal/logins
	@$(GO) test -run '^$$' -bench CachedByKind -benchtime 20000x ./cmd/broker
