# Everything a developer types. `make` alone lists it.

MODULE  := github.com/aws-mfa-creds/aws-mfa-creds
TOOLS   := .tools/bin
# In the environment, because git allows names of tags in which a shell finds commands.
export VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$$VERSION

.PHONY: help build test race wine demo systems conformance snapshot release packages lint vet tidy bench fuzz soak vuln tools release-check test-tools clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# Static, so that it starts fast; on a Mac with cgo, which the Keychain needs.
CGO := $(if $(filter Darwin,$(shell uname -s)),1,0)

build: ## the program, as released, into dist/
	CGO_ENABLED=$(CGO) go build -trimpath -buildvcs=auto -ldflags "$(LDFLAGS)" -o dist/ ./cmd/aws-mfa-creds

test: ## install what the tests use, run all tests, and say what was skipped
	go run ./test/run

race: ## the tests inside one process again, with the race detector, which needs a C compiler
	go run ./test/run -no-install -race -short ./cmd/... ./internal/...

wine: ## install Wine, and run the program for Windows
	scripts/install-test-tools wine
	go test -tags wine -count=1 -timeout 20m -run TestWindows ./test

lint: $(TOOLS)/golangci-lint $(TOOLS)/gofumpt $(TOOLS)/actionlint ## formatting, linters and layers, for linux, darwin and windows; workflows
	@test -z "$$($(TOOLS)/gofumpt -extra -l .)" || { $(TOOLS)/gofumpt -extra -d .; exit 1; }
	$(TOOLS)/golangci-lint run --allow-parallel-runners ./...
	GOOS=darwin $(TOOLS)/golangci-lint run --allow-parallel-runners ./...
	GOOS=windows $(TOOLS)/golangci-lint run --allow-parallel-runners ./...
	$(TOOLS)/actionlint

vet: ## go vet for linux, darwin and windows
	GOOS=linux go vet ./...
	GOOS=darwin go vet ./...
	GOOS=windows go vet ./...

tidy: ## fail if go.mod or go.sum are not tidy
	go mod tidy -diff
	cd tools && go mod tidy -diff

bench: ## the warm get beside a program that prints a constant, and benchmarks of the parts
	scripts/bench
	go test -run '^$$' -bench . -benchmem ./internal/...

FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME each
	scripts/fuzz $(FUZZTIME)

ROUNDS ?= 50
soak: ## the tests of chance (kills, faults of the disk) with ROUNDS times as many tries
	AWS_MFA_CREDS_TEST_ROUNDS=$(ROUNDS) go test -timeout 10h -run 'KilledAnyTime|FaultySystemCalls|FleetByChance|FleetWhenItsHeadStops|FleetWithEviction|NoCodeIsSentTwice|ServeFlood' ./test ./internal/fleet

# The program is scanned with its symbols: of one without, everything in its modules counts as called.
vuln: $(TOOLS)/govulncheck ## known vulnerabilities, also of the built program; VULNDB=file://DIR where the database cannot be reached
	$(TOOLS)/govulncheck $(if $(VULNDB),-db $(VULNDB)) ./...
	CGO_ENABLED=$(CGO) go build -trimpath -o dist/symbols/ ./cmd/aws-mfa-creds
	$(TOOLS)/govulncheck $(if $(VULNDB),-db $(VULNDB)) -mode binary dist/symbols/aws-mfa-creds

tools: $(TOOLS)/golangci-lint $(TOOLS)/gofumpt $(TOOLS)/govulncheck $(TOOLS)/actionlint ## build the linters, pinned in tools/go.mod

snapshot: $(TOOLS)/goreleaser ## archives, packages and catalogs for all systems, into dist/release; published nowhere
	$(TOOLS)/goreleaser release --snapshot --clean $(if $(MINISIGN_KEY),,--skip=sign)

# The notes are the newest section of CHANGELOG.md.
release: $(TOOLS)/goreleaser ## what a tag names, as a draft on GitHub; the workflow runs this
	@mkdir -p dist
	awk '/^## /{n++; next} n==1' CHANGELOG.md >dist/notes.md
	$(TOOLS)/goreleaser release --clean --release-notes dist/notes.md

packages: ## make snapshot of the last commit, then install, use, upgrade and remove its packages; as root, on Debian
	scripts/packages

release-check: $(TOOLS)/goreleaser $(TOOLS)/actionlint $(TOOLS)/govulncheck ## what has to hold before VERSION=v1.2.3 is tagged
	scripts/release-check "$$VERSION"

# By itself, because goreleaser takes minutes. With golangci-lint, another version of its YAML library would be chosen.
$(TOOLS)/actionlint: tools/release/go.mod tools/release/go.sum
	@mkdir -p $(TOOLS)
	cd tools/release && go build -o ../../$(TOOLS)/ github.com/rhysd/actionlint/cmd/actionlint

$(TOOLS)/goreleaser $(TOOLS)/cyclonedx-gomod: tools/release/go.mod tools/release/go.sum
	@mkdir -p $(TOOLS)
	cd tools/release && go build -trimpath -ldflags '-s -w' -o ../../$(TOOLS)/ tool

$(TOOLS)/golangci-lint $(TOOLS)/gofumpt $(TOOLS)/govulncheck: tools/go.mod tools/go.sum
	@mkdir -p $(TOOLS)
	cd tools && go build -o ../$(TOOLS)/ tool

test-tools: ## install the real programs the tests run against
	scripts/install-test-tools
	scripts/install-clients

demo: ## draw the picture of the README, docs/demo.svg, from what the program does in the sandbox
	go test ./test -count 1 -run '^TestPicture$$' -draw

systems: ## other processors (qemu), Windows (Wine) and musl, with ROUNDS times as many tries
	scripts/systems

conformance: ## run every real client against the program, and print the matrix
	scripts/conformance

clean: ## remove what was built
	rm -rf dist .tools
