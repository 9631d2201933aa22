# What to do with Kenoma. `make` alone explains.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOFLAGS_BUILD = -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
WEB_SOURCES = $(shell find web/src web/public web/index.html web/package.json web/vite.config.ts -type f 2>/dev/null)
export CGO_ENABLED = 0

.PHONY: help run build web test check bench dev cross docs clean need-go need-node

help:
	@echo "make run     build and start a server on http://localhost:4000, data in ./data"
	@echo "make test    the whole suite, with PostgreSQL and a browser; installs what is missing"
	@echo "make check   formatting, linters and the quick suite"
	@echo "make bench   benchmarks, as a table"
	@echo "make build   bin/kenoma, static, with the interface in it"
	@echo "make dev     two servers that federate, and the interface with hot reload"
	@echo "make cross   builds for linux on amd64, arm64 and arm"
	@echo "make docs    docs/configuration.md from the settings' own documentation"

need-go:
	@command -v go >/dev/null || { echo "Go is missing. Kenoma needs Go 1.26 or newer: https://go.dev/dl/"; exit 1; }

need-node:
	@command -v node >/dev/null || { echo "Node is missing. The interface needs Node 20 or newer to be built: https://nodejs.org/"; exit 1; }
	@command -v npm >/dev/null || { echo "npm is missing. It comes with Node: https://nodejs.org/"; exit 1; }

run: build
	./bin/kenoma serve

build: need-go web
	go build $(GOFLAGS_BUILD) -o bin/kenoma ./cmd/kenoma

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

bench: need-go
	./scripts/bench

dev: build
	./scripts/dev

cross: need-go
	@for target in amd64 arm64 arm; do \
		echo "linux/$$target"; GOOS=linux GOARCH=$$target GOARM=6 go build $(GOFLAGS_BUILD) -o bin/kenoma-linux-$$target ./cmd/kenoma || exit 1; \
	done

docs: build
	./bin/kenoma config docs > docs/configuration.md

clean:
	rm -rf bin web/node_modules
	find web/dist -mindepth 1 ! -name placeholder -delete 2>/dev/null || true
