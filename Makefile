# Everything a person or CI runs. Needs Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
BUILT  := build/compiled

.PHONY: help install check check-compiled format format-check lint types imports test generated demo spec audit http-audit plans chaos fuzz bench bench-quick bench-floor bench-scaling bench-distinct bench-reload bench-planning bench-libraries clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | column -t -s '|'

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "kong-federation needs Python 3.11 or newer; set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# What a user's `pip install` makes of this checkout: with the modules on a request's way compiled, if there is a C compiler.
$(BUILT)/.installed: $(STAMP) pyproject.toml hatch_build.py $(shell find kong_federation -name '*.py')
	@rm -rf $(BUILT)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(BUILT) .
	@touch $@

install: $(STAMP)  ## Create the virtual environment and install the project with its tools

check: format-check lint types imports test  ## Everything but the compiled modules

format: $(STAMP)  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

format-check: $(STAMP)
	$(BIN)/ruff format --check .

lint: $(STAMP)
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports

test: $(STAMP)  ## Pass the tests
	$(BIN)/python -m pytest

# Beside what is installed lies all that the tests need; the tests take the package that lies beside them.
check-compiled: export KONG_FEDERATION_COMPILE := always
check-compiled: $(BUILT)/.installed  ## The tests of what is compiled, on what an installation makes of this checkout (needs a C compiler)
	git ls-files -z --cached --others --exclude-standard -- . ':!kong_federation' | tar --null --files-from - --create | tar --extract --directory $(BUILT)
	cd $(BUILT) && $(abspath $(BIN))/python -m kong_federation.cli.__main__ --version | grep ', compiled'
	cd $(BUILT) && $(abspath $(BIN))/python -m pytest -p no:cacheprovider tests/test_strands.py $(addprefix tests/,executor gateway kong plugin pluginserver spec transport)

generated: $(STAMP)  ## Print anew what is printed from the code: documentation, JSON Schema, schema.lua
	@mkdir -p docker/kong/plugins/graphql-federation
	$(BIN)/kong-federation schema --format markdown > docs/configuration.md
	$(BIN)/kong-federation schema --format json > docs/configuration.schema.json
	$(BIN)/kong-federation schema --format lua > docker/kong/plugins/graphql-federation/schema.lua
	$(BIN)/python -m kong_federation.errors.reference > docs/errors.md

demo: $(STAMP)  ## Four subgraphs, the plugin server, the stand-in for Kong, one real query (ONCE=1: stop after the answer)
	$(BIN)/python examples/demo.py $(if $(ONCE),--once)

spec: $(STAMP)  ## The black-box suites on the stand-in (KONG_BIN=/path/to/kong: on a real Kong)
	$(BIN)/python -m spec.gateway

audit: $(STAMP)  ## The shared half of the public federation audit, through the whole way
	$(BIN)/python -m spec.audit

http-audit: $(STAMP)  ## GraphQL over HTTP by npm's graphql-http: every MUST and SHOULD (needs Node.js and npm)
	$(BIN)/python -m spec.http

plans: $(STAMP)  ## Judge the plans of the corpus: valid, right, and no dearer than two other planners'
	$(BIN)/python -m spec.plans

chaos: $(STAMP)  ## Kill, stop, fill, cut and replace things under load (SHORT=1; KONG_BIN=/path/to/kong: behind a real Kong)
	$(BIN)/python -m spec.chaos $(if $(SHORT),--short)

fuzz: $(STAMP)  ## Ten minutes of random supergraphs and operations against a monolith (MINUTES=10)
	$(BIN)/python -m spec.fuzz --minutes $(or $(MINUTES),10)

bench: $(BUILT)/.installed  ## The product beside other gateways, which npm installs for it (needs node): fifteen minutes, bench/results.md
	$(BIN)/python -m bench

bench-quick: $(BUILT)/.installed  ## The same in about five minutes: build/bench/results.md
	$(BIN)/python -m bench --quick

bench-floor: $(BUILT)/.installed  ## How far the product is from the floor, in half a minute
	$(BIN)/python -m bench.compass

bench-scaling: $(BUILT)/.installed  ## How cost grows with supergraphs, answers and concurrent requests: bench/scaling.md, eight minutes
	$(BIN)/python -m bench.scaling

bench-distinct: $(BUILT)/.installed  ## Whether memory stays bounded under 100,000 different operations: ten minutes
	$(BIN)/python -m bench.distinct

bench-reload: $(BUILT)/.installed  ## Whether live requests feel that the supergraph is replaced: a minute
	$(BIN)/python -m bench.reload

bench-planning: $(STAMP)  ## Planning time against two other planners, which npm installs for it (needs node)
	$(BIN)/python -m bench.planning

bench-libraries: $(STAMP)  ## CPU of a subgraph call by HTTP client, and of JSON by library, as far as they are installed
	$(BIN)/python -m bench.libraries

clean:  ## Remove what the other targets made
	rm -rf $(VENV) build .run .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache spec/http/node_modules
