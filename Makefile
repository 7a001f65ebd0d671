# Each goal sets up what it needs in .venv by itself; the machine needs Python 3.11 (bpy from the index is built for it).
#   make demo    the demo head speaks: out/demo holds a .blend, a .csv, frames and a curve plot
#   make test    every test that needs no window       make check   the same, with lint and types
#   make help    the rest

PYTHONS := python3.11 python3 python
PYTHON  ?= $(shell for p in $(PYTHONS); do $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && command -v $$p && break; done)
VENV    := .venv
BIN     := $(VENV)/bin
PIP     := -m pip install --quiet --disable-pip-version-check --require-virtualenv
DEMO    := $(VENV)/demo.stamp
DEV     := $(VENV)/dev.stamp
OLDEST  := .venv-oldest

# Blender and onnxruntime keep out of the user's profile; a test never needs more than one thread.
export ORT_DISABLE_TELEMETRY := 1
export OMP_NUM_THREADS       ?= 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test oldest lint types imports check extension window train-tiny wheel clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r goal what; do printf '  make %-11s %s\n' "$$goal" "$$what"; done

demo: $(DEMO)  ## line -> curves -> keys on the demo head, rendered: out/demo
	$(BIN)/python samples/demo.py --out out/demo

test: $(DEV)  ## every test that needs no window
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

oldest: $(OLDEST)/stamp  ## the Blender tests in the oldest Blender that the extension is for
	$(OLDEST)/bin/python -m pytest tests/blender $(ARGS)

lint: $(DEV)  ## ruff, the linter and the formatter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)  ## mypy, strict
	$(BIN)/mypy

imports: $(DEV)  ## who may import whom
	$(BIN)/lint-imports

check: lint types imports test  ## lint, types, imports and test

extension: $(DEMO)  ## dist/*.zip, built and validated by Blender's own builder
	$(BIN)/python extension.py build
	$(BIN)/python extension.py validate

window: $(DEV) extension  ## install the zip into a real Blender, open its window, click the button
	$(BIN)/python -m pytest -m gui tests/gui $(ARGS)

TINY := --config model_training/configs/tiny.toml
SPOKEN := runs/tiny/corpus

train-tiny: $(DEV)  ## speak a corpus, prepare it, train, export, evaluate: every step of training, in minutes
	$(BIN)/python -m model_training.synthesis --out $(SPOKEN)
	$(BIN)/python -m model_training.prepare $(TINY) --corpus $(SPOKEN)/speech.tsv --phones $(SPOKEN)/phones.tsv --out runs/tiny/shard
	$(BIN)/python -m model_training.train $(TINY) --shard runs/tiny/shard --out runs/tiny
	$(BIN)/python -m model_training.export --checkpoint runs/tiny/checkpoint.pt --out runs/tiny/tiny.onnx --training-data "24 sentences spoken by espeak-ng"
	$(BIN)/python -m model_training.evaluate --model runs/tiny/tiny.onnx --corpus $(SPOKEN)/speech.tsv --phones $(SPOKEN)/phones.tsv --folders en-us+f5

wheel: $(VENV)/bin/python  ## the pip package, in dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:  ## forget everything that was built here
	rm -rf $(VENV) $(OLDEST) build dist out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info runs/tiny

$(VENV)/bin/python $(OLDEST)/bin/python:
	@test -n "$(PYTHON)" || { echo "make: needs Python 3.11, and none of '$(PYTHONS)' is one; install it or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: $(PYTHON) lacks venv; on Debian and Ubuntu: apt-get install python3.11-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(@D:/bin=)

# bpy is linked against X and GL even where no window opens, and renders through EGL; one line says what a bare machine lacks.
define BPY_LOADS
$(BIN)/python -c 'import bpy, ctypes, sys; sys.platform == "linux" and ctypes.CDLL("libEGL.so.1")' >$(VENV)/bpy.log 2>&1 || { cat $(VENV)/bpy.log >&2; \
  echo "make: bpy does not load here; on Debian and Ubuntu: apt-get install libx11-6 libxrender1 libxfixes3 libxi6 libxext6 libxkbcommon0 libsm6 libice6 libgl1 libegl1" >&2; exit 1; }
endef

$(DEMO): pyproject.toml | $(VENV)/bin/python
	$(BIN)/python $(PIP) --editable '.[demo]'
	@$(BPY_LOADS)
	@touch $@

$(DEV): pyproject.toml | $(VENV)/bin/python
	$(BIN)/python $(PIP) --editable '.[blender,demo,train,dev]'
	@$(BPY_LOADS)
	@touch $@ $(DEMO)

$(OLDEST)/stamp: pyproject.toml | $(OLDEST)/bin/python
	$(OLDEST)/bin/python $(PIP) --editable '.[oldest]'
	@touch $@
