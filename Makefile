# Two commands do everything on a fresh machine: `make song` and `make test`. `make docs` builds the site.
PYTHON ?= python3
BIN := .venv/bin
# The benchmark files, where they lie beside the project; else the cache, a download, or music21's chorales.
export LMN_MUSIC_DATA ?= $(abspath $(wildcard ../shared/corpora))

.PHONY: song test check docs bench clean
# One process for each core; one thread in each, as the matrices of the tests are small.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --dist worksteal

# Environment, training on the chorales, likelihood, a song to hear and to see.
song: .venv/installed
	rm -rf runs/song
	$(BIN)/lmn-music train jsb --out runs/song
	$(BIN)/lmn-music evaluate runs/song
	$(BIN)/lmn-music generate --model runs/song --out song.mid --out song.wav --out song.png
	@echo "A new song: $(CURDIR)/song.mid (notes), $(CURDIR)/song.wav (sound), $(CURDIR)/song.png (picture)"

# Lint, types, the whole suite.
test: lint
	$(PYTEST)

# What must pass before each commit, in under a minute.
check: lint
	$(PYTEST) -q -m "not slow"

# The site, strictly: a broken link or reference fails. It needs no network.
docs: .venv/documented
	rm -rf site
	$(BIN)/sphinx-build --fail-on-warning --keep-going --nitpicky --fresh-env --quiet -c docs . site
	@echo '<meta http-equiv="refresh" content="0; url=README.html">' > site/index.html
	@echo "The site: $(CURDIR)/site/index.html"

# Speed and memory, always beside something: docs/results/speed/*.json and the tables of docs/performance.md.
bench: .venv/developed
	for name in layer gated length training autoencoder sampling application reading growth report; do \
		$(BIN)/python benchmarks/speed/$$name.py || exit 1; \
	done

# The same on a GPU, in under ten minutes: docs/results/speed/gpu.json.
.PHONY: bench-gpu
bench-gpu: .venv/developed
	$(BIN)/python benchmarks/speed/gpu.py

# Kills at random moments, forty minutes of them; the next call adds to them, up to a thousand. docs/reliability.md.
.PHONY: soak
soak: .venv/developed
	$(BIN)/python benchmarks/soak.py run
	$(BIN)/python benchmarks/soak.py table

# A minute of fuzzing for every reader; docs/reliability.md, and inputs for the tests.
.PHONY: fuzz
fuzz: .venv/developed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[fuzz]'
	$(BIN)/python benchmarks/fuzz.py run
	$(BIN)/python benchmarks/fuzz.py table

# The whole suite on the oldest versions that pyproject.toml allows.
.PHONY: test-lowest
test-lowest:
	$(PYTHON) -m venv .venv-lowest
	$(PYTHON) tests/lowest.py > .venv-lowest/constraints.txt
	.venv-lowest/bin/pip install --quiet --constraint .venv-lowest/constraints.txt --editable '.[dev]'
	OMP_NUM_THREADS=1 .venv-lowest/bin/pytest --numprocesses auto --dist worksteal

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

.venv/documented: .venv/installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	@touch $@

clean:
	rm -rf .venv .venv-lowest runs dist site song.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
