"""Images of the test bed by hand.

python -m tests.testbed.images build     build those that are not there
python -m tests.testbed.images clean     remove all of them, and what building has kept
"""

from __future__ import annotations

import sys

from tests.testbed.engine import docker
from tests.testbed.images.names import PREFIX
from tests.testbed.images.product import image
from tests.testbed.images.stores import STORES, store_image


def main(arguments: list[str]) -> int:
    match arguments:
        case ["build"]:
            for store in STORES:
                print(store_image(store), flush=True)
            for target in ("services", "speech", "controller"):
                print(image(target), flush=True)
        case ["clean"]:
            found = docker()("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
            ours = [name for name in found if name.startswith((f"{PREFIX}/", "localhost/chatsystem-base/"))]
            if ours:
                docker()("image", "rm", "--force", *ours)
            docker()("builder", "prune", "--force", "--all")
            print(f"removed {len(ours)} images")
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except AssertionError as error:
        sys.exit(f"test bed: {error}")
