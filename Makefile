# Two commands do everything on a machine with Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo ui test lint bench clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or later is needed')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

demo: install
	$(BIN)/python examples/quickstart.py

ui: install
	$(BIN)/python -m sknn_tricks ui

test: install
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python benchmarks/bench_fit.py
	$(BIN)/python benchmarks/bench_predict.py
	$(BIN)/python benchmarks/bench_import.py
	$(BIN)/python benchmarks/bench_defaults.py
	$(BIN)/python benchmarks/bench_stack.py
	$(BIN)/python benchmarks/bench_search.py
	$(BIN)/python benchmarks/bench_scaling.py
	$(BIN)/python benchmarks/bench_ensemble.py
	$(BIN)/python benchmarks/bench_cache.py
	$(BIN)/python benchmarks/bench_cost_model.py
	$(BIN)/python benchmarks/bench_memmap.py
	$(BIN)/python benchmarks/bench_tricks.py
	$(BIN)/python benchmarks/bench_effects.py
	$(BIN)/python benchmarks/bench_tracking.py
	$(BIN)/python benchmarks/bench_augment.py
	$(BIN)/python benchmarks/bench_dask.py
	$(BIN)/python benchmarks/bench_scalers.py
	$(BIN)/python benchmarks/bench_whitening.py
	$(BIN)/python benchmarks/bench_preprocess_memmap.py

clean:
	rm -rf .venv build dist *.egg-info
