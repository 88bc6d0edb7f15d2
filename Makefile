# `make up` and `make test` are all one needs; both set up what they need by themselves.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
