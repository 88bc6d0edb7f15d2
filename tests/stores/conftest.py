"""Fixtures of the contract suites: the real servers."""

from tests.testbed.runtime import valkey

__all__ = ["valkey"]
