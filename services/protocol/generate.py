"""Generates the protobuf modules beside the .proto files.

`python -m services.protocol.generate` writes them; with `--check` it writes nothing and exits 1 when one is stale. The
generated modules are kept in the repository so that running the services needs no compiler.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def generate(destination: Path) -> list[Path]:
    """Compiles every .proto file below `destination` and returns the files made, relative to it."""
    from grpc_tools import protoc

    sources = sorted(str(path.relative_to(ROOT)) for path in HERE.glob("*.proto"))
    code = protoc.main(["protoc", f"-I{ROOT}", f"--python_out={destination}", f"--pyi_out={destination}", *sources])
    if code != 0:
        raise SystemExit(code)
    return sorted(path.relative_to(destination) for path in destination.rglob("*_pb2.py*"))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        made = generate(Path(folder))
        stale = [
            name
            for name in made
            if not (ROOT / name).exists() or (ROOT / name).read_bytes() != (Path(folder) / name).read_bytes()
        ]
        if "--check" in sys.argv[1:]:
            for name in stale:
                print(f"{name} is stale: run `make generate`", file=sys.stderr)
            return 1 if stale else 0
        for name in stale:
            (ROOT / name).write_bytes((Path(folder) / name).read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
