# One line per target; `make help` lists them.

PYTHON ?= python3
VENV := .venv
RUN := PYTHONPATH=. $(VENV)/bin
export JSON

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench-import bench-rotation bench-seeing faults matrix-faults matrix-breadth senders toolchain lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/installed ## provision, push and rotate once, on screen; JSON=1 ends with a JSON line
	@$(RUN)/python -m sandbox.demo

test: check ## everything `check` does, and all tests
	@$(RUN)/python -m sandbox.toolchain >/dev/null
	@$(RUN)/python -m pytest -n 2 --dist loadscope $(TESTS)

check: $(VENV)/installed ## format, lint, types and the import contract
	@$(RUN)/ruff format --check --quiet .
	@$(RUN)/ruff check --quiet .
	@$(RUN)/mypy --no-error-summary
	@$(RUN)/pyright --warnings >/dev/null || $(RUN)/pyright --warnings
	@$(RUN)/lint-imports --no-cache >/dev/null || $(RUN)/lint-imports --no-cache

format: $(VENV)/installed ## format the code and mend what ruff can mend
	@$(RUN)/ruff format .
	@$(RUN)/ruff check --fix .

bench-import: $(VENV)/installed ## what `import fluxhooks` costs beside `import pulumi`; JSON=1 as above
	@$(RUN)/python bench/import_cost.py

bench-rotation: $(VENV)/installed ## what rotations lose and cost, beside the ways in use; JSON=1 as above
	@$(RUN)/python -m bench.rotation

bench-seeing: $(VENV)/installed ## what `doctor` and `probe` cost beside bare requests; JSON=1 as above
	@$(RUN)/python -m bench.seeing

faults: $(VENV)/installed ## strike rotations with every fault there is a test for; rewrites docs/faults.md
	@$(RUN)/python -m pytest -n 2 --dist loadscope --write-faults tests/faults $$(grep -l "row: Row" tests/engine/*.py)

matrix-faults: $(VENV)/installed ## break a chain in every way and ask `doctor`; rewrites docs/doctor.md; JSON=1 as above
	@$(RUN)/python -m pytest -q -n 2 --dist loadscope --whole-matrix --write-matrix \
		--ignore tests/matrix/test_table.py tests/matrix

matrix-breadth: $(VENV)/installed ## run every type, forge and origin of a secret; rewrites docs/breadth.md; JSON=1 as above
	@$(RUN)/python -m pytest -q -n 2 --dist loadscope --breadth tests/engine tests/cluster

senders: $(VENV)/installed ## rewrites docs/senders.md from the table of senders
	@$(RUN)/python -m tests.senders_page

toolchain: $(VENV)/installed ## find, download or build the sandbox's programs, and list them
	@$(RUN)/python -m sandbox.toolchain

lock: $(VENV)/installed ## pin the newest versions pyproject.toml allows in requirements.txt
	@$(VENV)/bin/uv pip compile --quiet --upgrade pyproject.toml --group dev --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.txt

clean: ## remove the virtual environment; built programs stay in the cache
	@rm -rf $(VENV)

$(VENV)/installed: requirements.txt pyproject.toml sandbox/prerequisites.sh
	@PYTHON=$(PYTHON) sh sandbox/prerequisites.sh
	@echo "Setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.txt)"
	@VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.txt
	@VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip install --quiet --no-deps --editable .
	@touch $@
