"""The test bed's cluster by hand.

python -m tests.testbed.kubernetes build     build its programs, which the first test would do otherwise
python -m tests.testbed.kubernetes up        a cluster, until Ctrl-C; --nodeless: the API alone
"""

from __future__ import annotations

import signal
import sys

from tests.testbed.kubernetes import programs
from tests.testbed.kubernetes.cluster import cluster


def main(arguments: list[str]) -> int:
    match arguments:
        case ["build"]:
            for program in (programs.kube(), programs.coredns(), programs.pause_image()):
                print(program)
        case ["up", *rest] if rest in ([], ["--nodeless"]):
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            try:
                with cluster(nodeless=bool(rest)) as one:
                    print(f"export KUBECONFIG={one.kubeconfig}", flush=True)
                    print("Ctrl-C ends it.", file=sys.stderr, flush=True)
                    signal.pause()
            except KeyboardInterrupt:
                return 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except AssertionError as error:
        sys.exit(f"test bed: {error}")
