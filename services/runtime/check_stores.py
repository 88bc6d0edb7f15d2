"""`chatsystem-services check-stores`: looks at every store that is a server, as the services would use it, and says what would
keep them from working. For the controller, and for a person with the environment of a service.

A line of JSON for each store goes to the standard output, as soon as it is known. The exit code says whether the check could
be carried out, not what it found.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping

from services.catalogue import STORES
from services.checks.finding import MISCONFIGURED, UNREACHABLE, Refused, Report, Wanted, error
from services.runtime.settings import SettingsError
from services.runtime.store_urls import read_some_stores

log = logging.getLogger(__name__)

NAME = "check-stores"
BOUND = 15.0
"""Seconds for one store; each exchange with it has a shorter limit of its own."""

_WORDS = dict(zip(STORES, ("DATABASE", "CACHE", "QUEUE", "SEARCH", "REGISTRY", "FILES"), strict=True))
"""Store of a declaration -> its word in the environment."""
_EMBEDDED = ("sqlite:", "file:", "database:", "none:")

Check = Callable[[Wanted], Awaitable[Report]]


def run(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog=f"chatsystem-services {NAME}", description=__doc__)
    parser.add_argument("store", nargs="*", help=f"any of {', '.join(STORES)}; all that are servers if none is named")
    parser.add_argument("--connections", type=int, default=0, help="that the services need of the database altogether")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.store if name not in STORES]
    if unknown:
        parser.error(f"unknown store {', '.join(unknown)}: expected any of {', '.join(STORES)}")
    # The libraries tell in their own words and at length what is told in a line here.
    logging.basicConfig(level=logging.DEBUG if environment.get("CHATSYSTEM_LOG_LEVEL") == "debug" else logging.CRITICAL)
    asyncio.run(_check_all(asked.store or _servers(environment), environment, asked.connections))
    return 0


def _servers(environment: Mapping[str, str]) -> list[str]:
    urls = {name: environment.get(f"CHATSYSTEM_{word}_URL", "") for name, word in _WORDS.items()}
    return [name for name, url in urls.items() if url and not url.startswith(_EMBEDDED)]


async def _check_all(names: list[str], environment: Mapping[str, str], connections: int) -> None:
    async def check_one(name: str) -> None:
        report = await _check(name, environment, connections)
        path = f"spec.stores.{name}.{'s3' if name == 'files' else 'external'}"
        print(json.dumps(report.line(name, path), ensure_ascii=False), flush=True)  # noqa: T201 - it is the answer

    await asyncio.gather(*map(check_one, names))


async def _check(name: str, environment: Mapping[str, str], connections: int) -> Report:
    word = _WORDS[name]
    try:
        urls = read_some_stores((word,), environment)
    except SettingsError as failure:
        remedy = "correct the declaration, or the file"
        return Report(findings=tuple(error(MISCONFIGURED, "", text, remedy) for text in failure.problems))
    url = urls.urls[word]
    if url.startswith(_EMBEDDED):
        return Report(server=url.split(":", 1)[0], note="it is no server, so there is nothing to check")
    wanted = Wanted(url, urls.access[word], urls.options, connections)
    try:
        async with asyncio.timeout(BOUND):
            return await _checker(url)(wanted)
    except Refused as refused:
        return Report(findings=refused.findings)
    except TimeoutError:
        text = f"it does not answer within {BOUND:g} s"
        return Report(findings=(error(UNREACHABLE, "", text, "see its load, and the network in between"),))
    except Exception as failure:
        log.debug("the check of %s failed", name, exc_info=failure)
        return Report(failure=f"the check itself failed ({type(failure).__name__})")


def _checker(url: str) -> Check:
    """By the kind of the store; its library alone is loaded."""
    match url.split(":", 1)[0]:
        case "mysql":
            from services.checks.mysql import check as mysql

            return mysql
        case "redis":
            from services.checks.redis import check as redis

            return redis
        case "amqp":
            from services.checks.rabbitmq import check as rabbitmq

            return rabbitmq
        case "etcd":
            from services.checks.etcd import check as etcd

            return etcd
        case "s3":
            from services.checks.s3 import check as s3

            return s3
    from services.checks.elasticsearch import check as elasticsearch

    return elasticsearch
