"""The programs of the cluster, built from their Go modules into the project's cache folder when a test first needs them.

Kubernetes takes about five minutes on two cores the first time; Go's own cache makes that seconds afterwards. Whoever comes
while another builds waits for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

VERSION = "1.34.4"
"""Newer ones do not run where the kernel offers cgroup v1 alone."""
KWOK = "sigs.k8s.io/kwok/cmd/kwok@v0.7.0"
HELM = "helm.sh/helm/v3/cmd/helm@v3.19.5"
PAUSE = "localhost/chatsystem-testbed/pause:1"
"""The image that holds a pod's namespaces."""

CACHE = Path(__file__).parents[3] / ".cache"
_SOURCES = Path(__file__).parent
_VERSION_PACKAGE = "k8s.io/component-base/version"


def kube() -> Path:
    """API server, controller manager, scheduler, kubelet, proxy and kubectl in one program."""
    minor = VERSION.split(".")[1]
    known = {"gitVersion": f"v{VERSION}", "gitMajor": "1", "gitMinor": minor}
    stamps = " ".join(f"-X {_VERSION_PACKAGE}.{name}={value}" for name, value in known.items())
    return _built("kube", f"Kubernetes {VERSION} (about five minutes the first time)", f"-s -w {stamps}")


def coredns() -> Path:
    return _built("coredns", "CoreDNS (about a minute the first time)")


def pause_image() -> Path:
    """The image PAUSE as an archive."""
    program = _built("pause", "the image of pods' sandboxes")
    archive = program.with_suffix(".tar")
    with _alone("pause-image"):
        if not archive.exists():
            part = archive.with_suffix(".part")
            part.write_bytes(_image(PAUSE, program.read_bytes()))
            part.rename(archive)
    return archive


def kwok() -> Path:
    """Plays any number of nodes and their pods."""
    return _installed("kwok", KWOK, "kwok (about four minutes the first time)")


def helm() -> Path:
    return _installed("helm", HELM, "Helm (about two minutes the first time)")


def _built(name: str, what: str, flags: str = "-s -w") -> Path:
    sources = sorted(each for each in (_SOURCES / name).iterdir() if each.is_file())
    digest = hashlib.sha256(flags.encode())
    for source in sources:
        digest.update(source.name.encode() + source.read_bytes())
    program = CACHE / "kubernetes" / f"{name}-{digest.hexdigest()[:12]}"
    with _alone(name):
        if not program.exists():
            part = program.with_suffix(".part")
            _go(["build", "-v", "-trimpath", "-ldflags", flags, "-o", str(part), "."], what, folder=_SOURCES / name)
            part.rename(program)
    return program


def _installed(name: str, module: str, what: str) -> Path:
    program = CACHE / "go-bin" / f"{name}-{module.rpartition('@')[2]}"
    with _alone(name):
        if not program.exists():
            folder = program.with_suffix(".part")
            _go(["install", "-v", "-trimpath", "-ldflags", "-s -w", module], what, GOBIN=str(folder))
            (folder / name).rename(program)
            shutil.rmtree(folder)
    return program


@contextmanager
def _alone(name: str) -> Iterator[None]:
    folder = CACHE / "kubernetes"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _go(arguments: Sequence[str], what: str, *, folder: Path | None = None, **environment: str) -> None:
    """Tells on the terminal how far it is, because minutes without a word look like a test that hangs."""
    assert shutil.which("go"), (
        f"{what.partition(' (')[0]} for the tests is built with Go, which is missing. Install Go 1.24 or later (go.dev/dl), "
        "or name a cluster in CHATSYSTEM_TEST_KUBECONFIG"
    )
    _say(f"building {what}")
    began = told = time.monotonic()
    lines: list[str] = []
    with subprocess.Popen(
        ["nice", "-n", "10", "go", *arguments],
        cwd=folder,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as build:
        assert build.stderr is not None
        try:
            for line in build.stderr:
                lines.append(line)
                if time.monotonic() - told > 15.0:
                    told = time.monotonic()
                    _say(f"  {len(lines)} steps after {told - began:.0f} s: {line.strip()}")
        except BaseException:
            build.terminate()
            raise
    assert build.returncode == 0, f"{what.partition(' (')[0]} could not be built:\n{''.join(lines[-30:])}"


def _say(line: str) -> None:
    """On the terminal itself: pytest keeps back what a test prints."""
    print(f"test bed: {line}", file=sys.__stderr__, flush=True)


def _image(name: str, program: bytes) -> bytes:
    """An image that holds nothing but a program, as `docker save` writes it."""
    layer = _tar({"pause": (program, 0o755)})
    description = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine),
        "os": "linux",
        "config": {"User": "65535:65535", "Entrypoint": ["/pause"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    return _tar(
        {
            "config.json": (json.dumps(description).encode(), 0o644),
            "layer.tar": (layer, 0o644),
            "manifest.json": (json.dumps(manifest).encode(), 0o644),
        }
    )


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()
