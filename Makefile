# Every target makes .venv first when it is missing. Another interpreter: make PYTHON=python3.12 test
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# what a user installs, and what a contributor installs on top
USER := $(VENV)/.user
READY := $(VENV)/.ready

BENCHMARKS := threads linear.gradients linear.moments linear.verdicts linear.wide \
	parity.signal parity.walsh parity.training parity.part_b parity.depth parity.sweeps growth images.kill_resume \
	images.fast_profile

# some machines forbid compiled files; the commands that tests start would each compile all sources again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: report test check wheel bench bench-smoke docs clean mutants

report: $(USER)
	$(BIN)/pitfalls report --quick

test: $(READY)
	$(BIN)/python -m pytest -n 3 --dist worksteal

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell
	$(BIN)/deptry src

# what a user of the wheel has: no test, no development tool, no checkout
wheel: pyproject.toml constraints.txt
	rm -rf build/wheel && mkdir -p build/wheel/elsewhere
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w build/wheel .
	build/wheel/venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt build/wheel/*.whl
	set -e; cd build/wheel/elsewhere; for asked in doctor "verify 2a 3a" "linear minimum" \
	  "parity exact" "images embed --data digits" "diagnose examples" "runs check"; do \
	  echo "== pitfalls $$asked"; ../venv/bin/pitfalls $$asked; done

bench: $(READY)
	set -e; for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python -m benchmarks.$$name; done
ifneq ($(PITFALLS_DATA),)
	# hours
	$(BIN)/python -m benchmarks.images.linear_methods --data "$(PITFALLS_DATA)"
	$(BIN)/python -m benchmarks.images.separability --data "$(PITFALLS_DATA)"
	$(BIN)/python -m benchmarks.images.training_step "$(PITFALLS_DATA)"
	$(BIN)/python -m benchmarks.images.fast "$(PITFALLS_DATA)" --runs runs
	$(BIN)/python -m benchmarks.images.schemes "$(PITFALLS_DATA)" --runs runs
	$(BIN)/python -m benchmarks.images.training_tables
endif
	$(BIN)/python -m benchmarks.linear.tables
	$(BIN)/python -m benchmarks.readme_table

# seconds: each benchmark can be imported, its options are read, and the curves run at their smallest
bench-smoke: $(READY)
	$(BIN)/python -m benchmarks.smoke
	$(BIN)/python -m benchmarks.growth --largest small

# hours for all of them; MUTANTS=55 draws so many of each part
MUTANTS ?= 0

mutants: $(READY)
	$(BIN)/python -m benchmarks.mutants.run --state build/mutants --count $(MUTANTS) --record
	$(BIN)/python -m benchmarks.mutants.page

docs: $(READY)
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# pip, not a resolver of its own: it is the one that finds the processor build of torch
$(USER): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	touch $@

$(READY): $(USER)
	$(PIP) -e '.[test,check,docs,dask,ray,submitit,parquet,tracking,attribution,onnx,mutants]'
	touch $@

clean:
	rm -rf $(VENV) build dist docs/_build .mypy_cache .ruff_cache .pytest_cache
