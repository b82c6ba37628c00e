# make test   everything that must pass before a change lands (under ten minutes)
# make bench  the figures of BENCHMARKS.md
# make fuzz   every fuzz target for FUZZTIME each (60s, or a number of inputs such as 500x)
GO       ?= go
FUZZTIME ?= 60s
STATICCHECK = $(GO) tool -modfile=tools/go.mod staticcheck

.PHONY: build sdk test tools vet lint race bench fuzz fuzz-short

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/deed ./cmd/deed

test: tools vet lint race sdk

# What the tests talk to besides Deed itself: validating resolvers as oracles.
tools:
	@./tools/install

vet:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt'; exit 1; }
	$(GO) vet ./...

lint:
	$(STATICCHECK) ./...

race:
	$(GO) test -race -timeout 9m ./...

# The vendor's Go SDK, a test-only module of its own, against a running deed serve.
sdk:
	cd api/cps/sdktest && $(GO) vet ./... && $(GO) test -count=1 -timeout 5m ./...

bench:
	$(GO) test -run '^$$' -bench . -benchmem -timeout 30m ./...

fuzz fuzz-short:
	@./tools/fuzz $(if $(filter fuzz-short,$@),500x,$(FUZZTIME))
