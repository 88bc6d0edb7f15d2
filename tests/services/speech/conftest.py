"""Spoken Korean from a synthesiser, and a model small enough for tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.testbed import speech
from tests.testbed.runtime import make_runtime, runtime, valkey

__all__ = ["make_runtime", "runtime", "valkey"]

Speak = Callable[[str], bytes]


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(speech.model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="session")
def speak(tmp_path_factory: pytest.TempPathFactory) -> Speak:
    folder = tmp_path_factory.mktemp("spoken")
    return lambda words: speech.spoken(words, folder)
