"""The entry point of the data plane: hosts the named services in this process, applies the migrations, builds the search
index anew, shows and replays dead letters, or checks the stores.

Exit codes: 0 stopped as asked, 1 failed, 2 the command line or the environment is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Mapping

from services.catalogue import BY_NAME
from services.runtime.logs import set_up_logs
from services.runtime.process_settings import (
    ProcessSettings,
    hosted_services,
    read_log_settings,
    read_process_settings,
)
from services.runtime.settings import SettingsError

log = logging.getLogger("services.runtime")

_SWITCH_INTERVAL = 0.0001
"""Seconds after which a busy event loop lets a waiting thread have the interpreter. With the default of 5 ms the thread that
commits transactions starves under load: the loop gives the lock up for moments too short for another thread to catch, and
only a waiter whose interval has passed is really let in."""

_COLLECTION = (20_000, 10, 20)
"""How many objects more there are before cycles are looked for, and how many such looks go to one at older objects. What a
message needs is freed by its reference counts. With the default of 700 every look finds hundreds of messages under way, calls them
old, and soon looks through all objects of the process."""


def main(arguments: list[str] | None = None) -> None:
    """Console script `chatsystem-services`."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments, os.environ))


def run(arguments: list[str], environment: Mapping[str, str]) -> int:
    parser = argparse.ArgumentParser(
        prog="chatsystem-services",
        description="Hosts services of a chat system in this process, or brings the database to this version's "
        "schema, or builds the search index anew. "
        "Everything else is read from environment variables CHATSYSTEM_*.",
    )
    parser.add_argument(
        "service",
        nargs="+",
        help=f"any of {', '.join(BY_NAME)}; or all; or migrate; or rebuild-index; or dead-letters list|replay; or check-stores",
    )
    try:
        if arguments[:1] == ["dead-letters"]:
            from services.runtime import dead_letters

            return dead_letters.run(arguments[1:], environment)
        if arguments[:1] == ["check-stores"]:
            from services.runtime import check_stores

            return check_stores.run(arguments[1:], environment)
        names: list[str] = parser.parse_args(arguments).service
        log_settings = read_log_settings(environment)
        if "migrate" in names:
            if names != ["migrate"]:
                raise SettingsError(["migrate stands alone"])
            set_up_logs(level=log_settings.level, form=log_settings.format, instance="migrate")
            return migrate(environment)
        if "rebuild-index" in names:
            if names != ["rebuild-index"]:
                raise SettingsError(["rebuild-index stands alone"])
            set_up_logs(level=log_settings.level, form=log_settings.format, instance="rebuild-index")
            return asyncio.run(rebuild_index(environment))
        settings = read_process_settings(hosted_services(names), environment)
    except SettingsError as error:
        for problem in error.problems:
            print(f"chatsystem-services: {problem}", file=sys.stderr)  # noqa: T201 - there is no log yet
        return 2
    set_up_logs(level=log_settings.level, form=log_settings.format, instance=settings.instance)
    sys.setswitchinterval(_SWITCH_INTERVAL)
    gc.set_threshold(*_COLLECTION)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serve(settings))


def migrate(environment: Mapping[str, str]) -> int:
    """Applies what is missing. Raises SettingsError."""
    from services.runtime.open_database import migrate_database
    from services.runtime.store_urls import read_one_store
    from services.stores.migrate import MigrationError
    from services.stores.ports import StoreError

    urls = read_one_store("DATABASE", environment)
    try:
        done = migrate_database(urls, environment)
    except (MigrationError, StoreError) as error:
        log.error("the migration failed: %s", error)
        return 1
    log.info("applied %s", ", ".join(each.name for each in done) if done else "nothing: the schema is current")
    return 0


async def rebuild_index(environment: Mapping[str, str]) -> int:
    """Builds the search index anew beside the one in use, and then puts it in its place. Raises SettingsError."""
    from services.runtime.open_database import open_database
    from services.runtime.open_stores import open_search
    from services.runtime.store_urls import read_some_stores
    from services.store.index_rebuild import rebuild_all
    from services.stores.migrate import MigrationError
    from services.stores.ports import StoreError

    urls = read_some_stores(("DATABASE", "SEARCH"), environment)
    try:
        database = await open_database(urls)
        try:
            search = open_search(urls, database)
            if search.projection is None:
                log.info("nothing to build: searches are answered from the database itself")
                return 0
            try:
                documents = await rebuild_all(database, search.projection)
            finally:
                await search.close()
        finally:
            await database.close()
    except (MigrationError, StoreError) as error:
        log.error("the search index was not built anew, the old one stays in use; run the command again: %s", error)
        return 1
    log.info("the search index is built anew: %d documents", documents)
    return 0


async def serve(settings: ProcessSettings) -> int:
    """Hosts the services until a signal arrives."""
    from services.runtime.host import Host, StartError

    stopping = asyncio.Event()

    def asked_to_stop() -> None:
        if stopping.is_set():
            log.warning("asked to stop again: ending at once")
            os._exit(1)
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop)
    host = Host(settings)
    starting = asyncio.create_task(host.start())
    asked = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
    try:
        await starting
    except asyncio.CancelledError:
        return 0
    except StartError as error:
        log.error("%s", error, exc_info=error.__cause__ if log.isEnabledFor(logging.DEBUG) else None)
        asked.cancel()
        return 1
    log.info("ready: %s", ", ".join(service.name for service in settings.services))
    gc.collect()
    gc.freeze()  # what is there now stays until the end, and need not be looked through
    await asked
    await host.stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Stopped already: an impatient signal must not make a clean end look like a crash.
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    return 0


if __name__ == "__main__":
    main()
