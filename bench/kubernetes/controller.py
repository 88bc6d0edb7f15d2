"""The controller under test, as `chatsystem controller` runs it, with resyncs at another pace: an hour of them need not take one."""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import logging
import pstats
from dataclasses import replace

from controller.cli.signals import stop_on_signals
from controller.targets.kubernetes.client import connect
from controller.targets.kubernetes.operator import PACE, Options, operate


async def main(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    pace = replace(PACE, resync=options.resync)
    with stop_on_signals(stopped):
        await operate(await connect(), Options(health_host="127.0.0.1", health_port=options.port, pace=pace), stopped)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--resync", type=float, required=True, help="seconds between two resyncs")
    parser.add_argument("--port", type=int, required=True, help="of /metrics")
    parser.add_argument("--profile", action="store_true", help="print in the end where the time went")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if not chosen.profile:
        asyncio.run(main(chosen))
    else:
        with cProfile.Profile() as profile:
            asyncio.run(main(chosen))
        for order in ("tottime", "cumulative"):
            pstats.Stats(profile).sort_stats(order).print_stats(45)
