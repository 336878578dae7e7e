# make -f xcaddy.mk build | demo | test | e2e | bench | fuzz | lint | xcaddy
#
# build and demo need only Go. test and e2e also need a C compiler (for the race
# detector), redis-server and chromium; they install them where they can.

GO      ?= go
FUZZTIME ?= 20s
BENCH   ?= .
# The tool that lint runs beside go vet; pinned, so that main stays green by itself.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build demo test e2e bench fuzz lint xcaddy tools

# bin/caddy is Caddy with this module, the same binary that xcaddy builds.
build:
	$(GO) build -trimpath -o bin/caddy ./internal/cmd/caddy

# The whole thing on one machine, with stand-ins for the services we cannot reach.
# DEMO_PORT (default 8080) is the site, DEMO_PORT+1 the console. DEMO_REGISTER=trs
# looks for records in a stand-in for the Teaching Record System. Ctrl-C stops it.
export DEMO_PORT DEMO_REGISTER
demo:
	$(GO) build -o bin/demo ./internal/cmd/demo
	@bin/demo

# Everything, with the race detector. A test that cannot run fails.
test: tools
	$(GO) test -race -timeout 30m ./...

# Only the stories through the real binary and the browser.
e2e: tools
	$(GO) test -race -timeout 30m -count=1 -v ./internal/e2e

# Requests per second beside plain reverse_proxy of the same binary, then the parts.
bench: tools
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 30m ./internal/...

# Each target that takes what a stranger sends, for FUZZTIME.
fuzz:
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; done

lint:
	@bad=$$(gofmt -l .); test -z "$$bad" || { echo "gofmt these:"; echo "$$bad"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

# For users: the same binary with other plugins beside it.
# https://github.com/caddyserver/xcaddy
xcaddy:
	xcaddy build --with github.com/caddy-teaching-record/caddy-teaching-record=. --output bin/caddy

# What the tests start: installed where apt-get and the right to use it are there,
# else named. Nothing is skipped for want of it.
tools:
	@missing=; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v gcc >/dev/null || missing="$$missing gcc libc6-dev"; \
	test -z "$$missing" && exit 0; \
	if command -v apt-get >/dev/null && test "$$(id -u)" = 0; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	else \
	  echo "The tests need:$$missing"; echo "On Debian: sudo apt-get install$$missing"; exit 1; \
	fi
