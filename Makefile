VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

.PHONY: demo test check bench truth golden docs krew clean

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV) && $(BIN)/pip install -q -U pip && PYTHONWARNINGS='ignore:Editable installation' $(BIN)/pip install -q -e '.[dev]'
	$(BIN)/python -m compileall -q kubectl_mesh simulator && touch $@ # as a wheel is installed: bytecode comes with it

demo: $(VENV)/ready ## the main job, on the bundled example mesh
	@$(BIN)/python examples/demo.py
test: $(VENV)/ready ## everything CI runs
	$(BIN)/pytest -n auto
check: $(VENV)/ready ## lint, types, import contracts
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports
bench: $(VENV)/ready ## seconds and MB, each also as a ratio to a yardstick of the same run
	$(BIN)/python -m compileall -q kubectl_mesh simulator && $(BIN)/python -m benchmarks
truth: $(VENV)/ready ## the long property and conformance runs
	$(BIN)/pytest -n auto -m 'truth or not truth' --hypothesis-profile=truth
golden: $(VENV)/ready ## rewrite expected outputs; read the diff before you commit it
	$(BIN)/pytest tests/golden --rewrite-goldens
docs: $(VENV)/ready ## regenerate the generated pages
	$(BIN)/python -m docs
krew: $(VENV)/ready ## archives and manifest for krew, in dist/krew; HOMEPAGE=… and URL=… as krew/README.md says
	$(BIN)/python -m krew $(if $(HOMEPAGE),--homepage '$(HOMEPAGE)') $(if $(URL),--url '$(URL)')
clean:
	rm -rf $(VENV) dist build
