# cachescan: `make help` lists the targets. `make demo` and `make test` set themselves up from
# nothing: git, make, a C compiler and Python >= 3.11 are enough. Nothing here needs root.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
DEPS := $(VENV)/.deps-installed
READY := $(VENV)/.ready
PYTEST_ARGS ?=
# Errors only: a mirror missing from a local pip configuration is a screenful of warnings.
PIP_FLAGS := -qq --disable-pip-version-check
PACKAGE := .package
LOCK := .lock-venv
MULTITOOL := .e2e/.multitool-installed

.PHONY: help demo test e2e lint rules docs docs-check reports reports-check bench package \
	requirements clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# --- set-up ------------------------------------------------------------------------------------

# The first interpreter that is new enough *and* can make environments: a version manager's shim
# may exist and refuse to run, and distributions split `venv` and `ensurepip` into other packages.
define FIND_PYTHON
python=; \
for candidate in $(if $(PYTHON),"$(PYTHON)",python3 python3.14 python3.13 python3.12 python3.11 python); do \
  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
    >/dev/null 2>&1; then python="$$candidate"; break; fi; \
done; \
if [ -z "$$python" ]; then \
  echo "cachescan needs Python >= 3.11 with the venv module, and found none$(if $(PYTHON), in PYTHON=$(PYTHON))." >&2; \
  echo "Install one (Debian, Ubuntu: apt install python3 python3-venv) or name it:" >&2; \
  echo "  make PYTHON=/path/to/python3.12 $(or $(MAKECMDGOALS),demo)" >&2; \
  exit 2; \
fi
endef

# Both stamps are touched last, so an interrupted installation is simply done again.
$(DEPS): requirements/dev.txt
	@$(FIND_PYTHON); \
	echo "Setting up $(VENV) with $$("$$python" --version); this is done once."; \
	"$$python" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes \
		--requirement requirements/dev.txt
	@touch $@

$(READY): $(DEPS) pyproject.toml
	@$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps \
		--no-build-isolation --editable .
	@touch $@

# --- for users ---------------------------------------------------------------------------------

demo: $(READY) ## scan an emulated cloud on this machine and show what it finds
	@$(BIN)/cachescan demo

# --- checks ------------------------------------------------------------------------------------

test: lint docs-check ## lint, types, import contracts, generated docs, then every test but e2e
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(READY) ## ruff, mypy --strict, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

rules: $(READY) ## run the test cases of every rule
	@$(BIN)/cachescan rules test

# RUNLEVEL keeps the package from starting a server of its own on port 80.
APT := DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get
NGINX := $(APT) install --yes --quiet=2 --no-install-recommends nginx-light >/dev/null 2>&1 </dev/null
INSTALL_NGINX := $(NGINX) || { $(APT) update --quiet=2 </dev/null && $(NGINX); }

e2e: $(READY) $(MULTITOOL) ## whole-program runs (nginx, npm; nginx is installed only if root)
	@command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then $(INSTALL_NGINX); \
	  else echo "make e2e needs nginx (Debian, Ubuntu: apt install nginx-light)" >&2; exit 2; fi; }
	@$(BIN)/python -m pytest tests/e2e -m e2e $(PYTEST_ARGS)

$(MULTITOOL):
	@command -v npm >/dev/null 2>&1 || { echo "make e2e needs npm (Debian, Ubuntu: apt install npm)" >&2; exit 2; }
	@mkdir -p .e2e
	@npm install --loglevel=error --no-save --no-audit --no-fund --prefix .e2e \
		@microsoft/sarif-multitool@5.7.0 </dev/null
	@touch $@

bench: $(READY) ## measure against the peers (slow)
	@$(BIN)/python benchmarks/run.py

# The sdist is the source tree here, without src/: what passes can only be the installed wheel.
# The runtime pins go in first, and alone, so a dependency missing from them or from the metadata shows.
package: $(READY) ## build sdist and wheel, and run the unit tests against the installed wheel
	@rm -rf dist $(PACKAGE) && mkdir -p $(PACKAGE)
	@$(BIN)/python -m build --no-isolation --outdir dist . >/dev/null
	@tar -xzf dist/cachescan-*.tar.gz -C $(PACKAGE) --strip-components=1
	@rm -rf $(PACKAGE)/src
	@$(BIN)/python -m venv $(PACKAGE)/.venv
	@$(PACKAGE)/.venv/bin/python -m pip install $(PIP_FLAGS) --require-hashes \
		--requirement requirements/runtime.txt
	@$(PACKAGE)/.venv/bin/python -m pip install $(PIP_FLAGS) --no-deps dist/*.whl
	@$(PACKAGE)/.venv/bin/python -m pip check
	@cd $(PACKAGE) && .venv/bin/cachescan --version && .venv/bin/cachescan rules test
	@$(PACKAGE)/.venv/bin/python -m pip install $(PIP_FLAGS) --require-hashes \
		--requirement requirements/dev.txt
	@cd $(PACKAGE) && .venv/bin/python -m pytest tests/unit $(PYTEST_ARGS)

# --- generated files ---------------------------------------------------------------------------

docs: $(READY) ## write the generated pages of docs/
	@$(BIN)/python -m tools.gen_docs

docs-check: $(READY) ## fail if a generated page is out of date
	@$(BIN)/python -m tools.gen_docs --check

reports: $(READY) ## write the sample reports from the recorded snapshot
	@$(BIN)/python -m tools.gen_reports

reports-check: $(READY) ## fail if a sample report is out of date
	@$(BIN)/python -m tools.gen_reports --check

# Run on the lowest supported Python, so that what only it needs is in the pins as well. A local
# pip configuration is left out: mirrors and wheel folders would add hashes that nobody else can
# check. Existing pins are kept; UPGRADE=1 renews them.
PIP_COMPILE = env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null \
	CUSTOM_COMPILE_COMMAND="make requirements" $(LOCK)/bin/pip-compile --quiet \
	--generate-hashes --strip-extras --allow-unsafe --no-emit-options --no-emit-index-url \
	--no-emit-find-links --no-emit-trusted-host $(if $(UPGRADE),--upgrade)

requirements: ## pin and hash requirements/*.txt from pyproject.toml (UPGRADE=1 renews the pins)
	@$(FIND_PYTHON); [ -x $(LOCK)/bin/pip-compile ] || "$$python" -m venv --clear $(LOCK)
	@$(LOCK)/bin/python -m pip install $(PIP_FLAGS) \
		pip-tools==7.6.2 dependency-groups==1.3.2
	@$(PIP_COMPILE) --output-file requirements/runtime.txt pyproject.toml
	@$(LOCK)/bin/python -m dependency_groups dev | $(PIP_COMPILE) \
		--constraint requirements/runtime.txt --output-file requirements/dev.txt pyproject.toml -

clean: ## remove everything that the other targets made
	@rm -rf $(VENV) $(LOCK) $(PACKAGE) .e2e dist build .mypy_cache .pytest_cache .ruff_cache \
		.hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
