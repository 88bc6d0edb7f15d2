"""`make` and the set-up, on machines that are not as tidy as ours."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("file", "arguments"), [("", ["up"]), ("my f'ile.yaml", ["up", "-f", "my f'ile.yaml"])])
def test_make_up_hands_on_any_file_name(tmp_path: Path, file: str, arguments: list[str]) -> None:
    venv = tmp_path / "an environment"
    script(venv / "bin" / "chatsystem", 'for each; do echo "$each"; done')
    command = ["make", "--no-print-directory", "--old-file=setup", "up", f"VENV={venv}", f"FILE={file}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == arguments


def test_an_interpreter_that_cannot_be_run_is_named_with_the_remedy(tmp_path: Path) -> None:
    broken = script(tmp_path / "python3.13", 'echo "the command exists in these versions: 3.13.0\n" >&2; exit 127')
    done = subprocess.run(
        ["requirements/install.sh", "local"],
        cwd=ROOT,
        env={**os.environ, "PYTHON": str(broken), "VENV": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"{broken} cannot be run: the command exists" in done.stderr
    assert "make setup PYTHON=" in done.stderr
    assert not (tmp_path / "venv").exists()
