# make demo   installs into .venv, trains LeNet on the bundled digits, shows what it learned
# make test   installs what the tests need, runs them
# Everything else: make help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := runs/demo
WORKERS ?= 2

.PHONY: help demo test test-slow test-oracle test-zoo oracle lint check bench zoo-steps accuracies clean

help:
	@echo 'make demo           train LeNet on the bundled digits (EPOCHS=1: a short one)'
	@echo 'make test           run the tests, doctests included (WORKERS=2 at a time)'
	@echo 'make test-slow      run the tests that take longer: networks of real width'
	@echo 'make test-oracle    compare with PyTorch, which this installs'
	@echo 'make test-zoo       compare every network with torchvision and timm: docs/agreement.md (half an hour)'
	@echo 'make lint           formatting, lint, types, import contracts: check only'
	@echo 'make check          hold the numpy backend against the contract, and print the table'
	@echo 'make bench          measure the speed on this machine'
	@echo 'make zoo-steps      a training step of every network up to 6 GMACs: time and memory (2 minutes)'
	@echo 'make accuracies     train five networks on the full sets: MNIST=FOLDER FASHION=FOLDER (2 hours)'
	@echo 'make clean          remove .venv and everything else that is generated'
	@echo 'make … PYTHON=python3.12 takes another Python than python3 for .venv.'

demo: $(VENV)/.demo
	$(BIN)/minidl train lenet5 --data-dir bundled --out $(DEMO) --overwrite $(if $(EPOCHS),--epochs $(EPOCHS))
	@echo
	@echo 'What it learned: $(DEMO)/curves.png and $(DEMO)/predictions.png'

# One BLAS thread per test process: the products are too small to be shared.
test test-slow test-oracle test-zoo check: export OPENBLAS_NUM_THREADS ?= 1

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) -m 'not oracle and not slow'

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) -m 'slow and not oracle'

test-oracle: export OMP_NUM_THREADS ?= 1
test-oracle: $(VENV)/.oracle
	$(BIN)/python -m pytest -n $(WORKERS) -m 'oracle and not slow'

test-zoo: $(VENV)/.oracle
	$(BIN)/python benchmarks/agreement.py
	$(BIN)/python -m pytest -m 'oracle and slow'

lint: $(VENV)/.dev build/types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	MYPYPATH=build/types $(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg

check: $(VENV)/.dev
	$(BIN)/minidl check numpy

bench: $(VENV)/.oracle
	$(BIN)/python benchmarks/cpu.py

zoo-steps: $(VENV)/.demo
	$(BIN)/python benchmarks/zoo_steps.py
	$(BIN)/python benchmarks/report.py

accuracies: $(VENV)/.demo
	$(BIN)/python benchmarks/full_training.py lenet5 --data mnist --data-dir $(MNIST)
	for model in lenet5 resnet18 vgg11_bn nin shufflenet_v2_x0_5; do \
		$(BIN)/python benchmarks/full_training.py $$model --data fashion-mnist --data-dir $(FASHION) || exit; \
	done
	$(BIN)/python benchmarks/report.py

clean:
	rm -rf $(VENV) build dist runs *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache \
		.import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# ------------------------------------------------------------------ what is installed, and when
# A stamp is as old as the installation; a changed setup.cfg makes it stale.

$(VENV)/.python:
	@command -v $(PYTHON) > /dev/null || { echo 'There is no $(PYTHON). Name a Python of version 3.11 or newer: make PYTHON=python3.12 …'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "minidl needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --editable '.[plot,check]'
	@touch $@

$(VENV)/.dev: $(VENV)/.python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.demo

oracle: $(VENV)/.oracle

$(VENV)/.oracle: $(VENV)/.dev
	$(BIN)/pip install --quiet torch==2.13.0 pyyaml huggingface_hub
	$(BIN)/pip install --quiet --no-deps torchvision==0.28.0 timm==1.0.31
	@touch $@

# The type checker doesn't follow editable installs of a renamed folder; it follows links.
build/types:
	mkdir -p $@
	ln -s ../../minidl $@/minidl
	ln -s ../../kernels $@/minidl_kernels
