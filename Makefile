# What each target does: make help

.DEFAULT_GOAL := help

# Where Go's own archive unpacks to, for those who have not put it on their PATH yet.
export PATH := $(PATH):/usr/local/go/bin

# A tree that git will not read (it is another user's, or an unpacked archive) is built without its revision.
export GOFLAGS := $(GOFLAGS) -buildvcs=$(shell git rev-parse HEAD >/dev/null 2>&1 && echo auto || echo false)

TEST_FLAGS ?= -timeout=28m
SIM_EVENTS ?= 1000000
SIM_STORM ?= 20000
SIM_CRASHES ?= 100
NEED_DEMO  := git:git $(if $(DATABASE_URL),,postgresql:initdb)
NEED_TEST  := git:git postgresql:initdb nodejs:node npm:npm

# Linters that are not worth a line in go.mod are fetched at these versions.
ERRCHECK    := github.com/kisielk/errcheck@v1.30.0
ERRORLINT   := github.com/polyfloyd/go-errorlint@v1.8.0
INEFFASSIGN := github.com/gordonklaus/ineffassign@v0.2.0
MISSPELL    := github.com/golangci/misspell/cmd/misspell@v0.8.0
SQLCLOSE    := github.com/ryanrolds/sqlclosecheck@v0.6.0
UNCONVERT   := github.com/mdempsky/unconvert@v0.0.0-20260816212528-33842c47157a
UNPARAM     := mvdan.cc/unparam@v0.0.0-20260823230713-2fa3d841b0c8
GOVULNCHECK := v1.8.0

.PHONY: help
help: ## Show the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

.PHONY: demo
demo: need-demo build ## Watch an image go from dev to prod (DEMO_FLAGS=--exit ends by itself)
	bin/ferry demo $(DEMO_FLAGS)

.PHONY: build
build: need-go ## Build bin/ferry
	CGO_ENABLED=0 go build -trimpath -o bin/ferry ./cmd/ferry

# From the cheapest to the dearest, so that what is wrong shows early.
.PHONY: test
test: need-test ## Check formatting, code and the repository's rules, and run every test
	@unformatted=$$(gofmt -s -l .) || exit 1; [ -z "$$unformatted" ] || { echo "Run gofmt -s -w on" $$unformatted; exit 1; }
	go test .
	go vet ./...
	go tool staticcheck ./...
	go test $(TEST_FLAGS) ./...

# A linter's findings do not hide the next one's: make -k goes on, and fails at the end.
LINTS := lint-vet lint-staticcheck lint-errcheck lint-errorlint lint-ineffassign lint-sqlclose lint-unconvert lint-unparam lint-misspell lint-vulnerabilities
.PHONY: lint $(LINTS)
lint: need-go ## Look deeper: more linters, spelling, known vulnerabilities
	@$(MAKE) --no-print-directory --keep-going $(LINTS)
lint-vet:
	go vet ./...
	go -C deploy/argocd/engine vet .
lint-staticcheck:
	go tool staticcheck ./...
lint-errcheck:
	go run $(ERRCHECK) -ignoretests ./...
lint-errorlint:
	go run $(ERRORLINT) ./...
lint-ineffassign:
	go run $(INEFFASSIGN) ./...
lint-sqlclose:
	go run $(SQLCLOSE) ./...
lint-unconvert:
	go run $(UNCONVERT) ./...
lint-unparam:
	go run $(UNPARAM) ./...
lint-misspell:
	go run $(MISSPELL) -error .
lint-vulnerabilities:
	scripts/vulncheck.sh $(GOVULNCHECK)

.PHONY: sim
sim: need-test ## A million random events for Ferry's core, 20,000 for all of it, and 100 kills (SIM_EVENTS=, SIM_STORM=, SIM_CRASHES=)
	GOGC=400 go test ./promotion -run 'TestSimulation' -count=1 -v -timeout=60m -events=$(SIM_EVENTS)
	go test ./cmd/ferry -run 'TestSimulation' -count=1 -v -timeout=180m -events=$(SIM_STORM)
	go test ./cmd/ferry -run 'TestKilledAtAnyMoment' -count=1 -v -timeout=60m -crashes=$(SIM_CRASHES)

# Each figure on a line of its own as it comes; everything else only where something failed.
.PHONY: bench
bench: need-test ## Measure what a delivery, a push, a promotion and an edit cost
	@( go test -p 1 ./promotion/manifest ./cmd/ferry -run '^$$' -bench 'Bump|Promotion|OneOf|Local|Scale|Intake' -benchtime 1x -count 1 -timeout 10m 2>&1; echo "exit $$?" ) | scripts/figures.sh

.PHONY: versions
versions: ## Show the versions of the tools in use
	@for tool in "go version" "git --version" "node --version" "npm --version"; do echo "$$tool: $$($$tool 2>&1 || echo missing)"; done
	@for initdb in $$(command -v initdb) /usr/lib/postgresql/*/bin/initdb; do [ ! -x "$$initdb" ] || echo "$$initdb: $$($$initdb --version)"; done

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin

.PHONY: need-go need-demo need-test
need-go:
	@scripts/need.sh
need-demo:
	@scripts/need.sh $(NEED_DEMO)
need-test:
	@scripts/need.sh $(NEED_TEST)
