# lab-capture: build, run, test. `make help` lists the targets.

CARGO ?= cargo
SUDO  := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
BUILD_PACKAGES := libpcap-dev
TEST_PACKAGES  := libpcap-dev tshark tcpdump python3 sudo curl nginx-light util-linux mount python3-yaml iproute2
# What the tests run as besides root.
TEST_USER := labtest

.PHONY: help run build test lint unit samples stress bench bench-short fuzz deps test-deps install clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

run: build ## build and run the main job: scenarios/close.toml
	./target/release/lab-capture scenarios/close.toml

build: deps ## the release binary, target/release/lab-capture
	$(CARGO) build --release --quiet

test: test-deps lint ## everything: lint, unit, property, scenario and witness tests
	$(CARGO) test --quiet --no-fail-fast
	$(CARGO) test --quiet --manifest-path examples/wire-tests/Cargo.toml --target-dir target

lint: deps ## rustfmt, clippy and rustdoc, warnings denied
	$(CARGO) fmt --check
	$(CARGO) clippy --quiet --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --no-deps

unit: deps ## the tests of the library alone
	$(CARGO) test --quiet --lib

# One run after the other, so that no capture depends on what ran beside it. What programs received
# is no capture; the large ones are compressed, and Wireshark opens them as they are.
samples: build ## one small capture of each scenario, into captures/samples/
	rm -rf captures/samples
	CI=true ./target/release/lab-capture scenarios --quiet --jobs 1 --capture-dir captures/samples
	find captures/samples -type f ! -name '*.pcap' -delete
	find captures/samples -name '*.pcap' -size +64k -exec gzip --no-name --best {} +

install: deps ## into ~/.cargo/bin
	$(CARGO) install --path . --locked

clean: ## build products and exported captures
	$(CARGO) clean
	rm -f captures/*.pcap captures/*.pcapng

# --- what the distribution must provide -------------------------------------------------------

# $(call need,packages): installs those that are missing, having said so.
define need
@missing=; for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
if [ -n "$$missing" ]; then \
  command -v apt-get >/dev/null || { echo "please install:$$missing (no apt-get here)" >&2; exit 1; }; \
  echo "installing with apt-get:$$missing"; \
  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
fi
endef

deps:
	$(call need,$(BUILD_PACKAGES))

test-deps:
	$(call need,$(TEST_PACKAGES))
	@tshark --version 2>/dev/null | head -n 1 | grep -q ' 4\.0\.' || echo "note: the witness of the tests is tshark 4.0 (Debian 12); what another version decides otherwise fails here: $$(tshark --version 2>/dev/null | head -n 1)"
	@id -u $(TEST_USER) >/dev/null 2>&1 || { echo "creating the unprivileged user $(TEST_USER) for the tests"; $(SUDO) useradd --create-home --shell /bin/sh $(TEST_USER); }

# --- what it costs, and whether it holds under load (as root; the machine should be idle) ---------

BENCH_FILES ?= /tmp/lab-capture-bench

bench: test-deps ## ratios to the bare floor, a shell pipeline, tcpdump, tshark; ROUNDS=n
	$(CARGO) bench --quiet --bench lab -- all
	mkdir -p $(BENCH_FILES)
	$(CARGO) bench --quiet --bench gen_capture -- small $(BENCH_FILES)/small.pcap
	$(CARGO) bench --quiet --bench gen_capture -- bulk $(BENCH_FILES)/bulk.pcap
	$(CARGO) bench --quiet --bench reading -- --rounds $(or $(ROUNDS),3) --tshark $(BENCH_FILES)/small.pcap $(BENCH_FILES)/bulk.pcap

bench-short: test-deps ## the same in a few minutes, without tshark
	$(CARGO) bench --quiet --bench lab -- all --short
	mkdir -p $(BENCH_FILES)
	$(CARGO) bench --quiet --bench gen_capture -- small $(BENCH_FILES)/small.pcap
	$(CARGO) bench --quiet --bench reading -- $(BENCH_FILES)/small.pcap

stress: deps ## every scenario many times while four busy loops take the processors
	$(CARGO) bench --quiet --bench lab -- stress

fuzz: deps ## capture files, frames and the tracker, for FUZZ_SECONDS (600)
	FUZZ_SECONDS=$${FUZZ_SECONDS:-600} FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} FUZZ_CORPUS=captures/samples $(CARGO) test --release --test fuzz
