# What to do with Kenoma. `make` alone explains.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BUILD = go build -ldflags "-s -w -X main.version=$(VERSION)"
WEB_SOURCES = $(shell find web/src web/public web/*.html web/*.json web/*.ts web/*.js -type f 2>/dev/null)

# No C compiler is needed. Tests and builds share the compiler's cache, since they
# are compiled alike.
export CGO_ENABLED = 0
export GOFLAGS = -trimpath -buildvcs=false

.PHONY: help run build web test check lint bench dev cross docs screenshot clean need-go need-node

help:
	@echo "make run         build and start a server on http://localhost:4000, data in ./data"
	@echo "make build       bin/kenoma, static, with the interface in it"
	@echo "make test        the whole suite, with PostgreSQL and a browser; installs what is missing"
	@echo "make check       formatting, linters and the quick suite"
	@echo "make bench       benchmarks, as a table"
	@echo "make dev         two servers that federate, and the interface with hot reload"
	@echo "make cross       builds for linux on amd64, arm64 and arm"
	@echo "make docs        docs/configuration.md from the settings' own documentation"
	@echo "make screenshot  docs/screenshot.png from the real program"
	@echo "make clean       remove what was built, not the data"
	@scripts/need go node || true

need-go:
	@scripts/need go

need-node:
	@scripts/need node

run: build
	./bin/kenoma serve

build: need-go web
	$(BUILD) -o bin/kenoma ./cmd/kenoma

web: need-node web/dist/index.html

web/node_modules/.installed: web/package.json web/package-lock.json
	npm --prefix web ci --no-audit --no-fund
	touch $@

web/dist/index.html: web/node_modules/.installed $(WEB_SOURCES)
	npm --prefix web run build

test: build
	./scripts/test

check: need-go
	./scripts/check

lint: need-go
	./scripts/check lint

bench: need-go
	./scripts/bench

dev: build
	./scripts/dev

cross: need-go
	@for target in amd64 arm64 arm; do \
		echo "linux/$$target"; \
		GOOS=linux GOARCH=$$target GOARM=6 $(BUILD) -o bin/kenoma-linux-$$target ./cmd/kenoma || exit 1; \
	done

docs: need-go
	go run ./cmd/kenoma config docs > docs/configuration.md

screenshot: build
	npm --prefix web run screenshot

clean:
	rm -rf bin web/node_modules
	find web/dist -mindepth 1 ! -name placeholder -delete
