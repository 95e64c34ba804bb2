# Two commands do everything on a fresh machine: `make song` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
# The benchmark files, where they lie beside the project; else the cache, a download, or music21's chorales.
export LMN_MUSIC_DATA ?= $(abspath $(wildcard ../shared/corpora))

.PHONY: song test check bench clean

# Environment, training on the chorales, likelihood, a song to hear and to see.
song: .venv/installed
	rm -rf runs/song
	$(BIN)/lmn-music train jsb --out runs/song
	$(BIN)/lmn-music evaluate runs/song
	$(BIN)/lmn-music generate --model runs/song --out song.mid --out song.wav --out song.png
	@echo "A new song: $(CURDIR)/song.mid (notes), $(CURDIR)/song.wav (sound), $(CURDIR)/song.png (picture)"

# Lint, types, the whole suite. One thread: the matrices of the tests are small, and threads would wait for each other.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest

# What must pass before each commit, in under a minute.
check: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -m "not slow"

# Speed and memory, always beside something: docs/results/speed/*.json and the tables of docs/performance.md.
bench: .venv/developed
	for name in layer training autoencoder sampling application growth report; do \
		$(BIN)/python benchmarks/speed/$$name.py || exit 1; \
	done

.PHONY: lint
lint: .venv/developed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell
	$(BIN)/mypy

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/developed: .venv/installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv runs dist song.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
