"""Runs the program of the services beside a system: once, for its answer, reaching the stores as the services do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace

from controller.blueprint.workload import Blueprint, Workload
from controller.engine.ports import TargetError
from controller.targets.local import records
from controller.targets.local.identity import TOKEN
from controller.targets.local.layout import SystemPaths
from controller.targets.local.programs import PROGRAMS, Place, command

PATIENCE = 60.0
"""Seconds for the answer."""

_OWN = re.compile(r"\{port:")
"""What belongs to one instance alone."""


async def ask(system: str, paths: SystemPaths, blueprint: Blueprint, arguments: Sequence[str]) -> str:
    """What the program prints, told of the stores what a service is told. Raises TargetError with what it says on its standard
    error."""
    hosting = blueprint.best_informed
    if hosting is None:
        raise TargetError(f"{system} has no service, so there is nothing to ask")
    return await run_once(system, paths, _beside(hosting, arguments), timeout=PATIENCE)


async def run_once(system: str, paths: SystemPaths, workload: Workload, *, timeout: float) -> str:
    """Runs a workload once and returns what it prints. `timeout` in seconds. Raises TargetError with what it says on its
    standard error."""
    place = Place(paths, f"{system}-administration", {}, records.addresses(paths))
    run = command(workload, place, PROGRAMS)
    # Without the mark of an instance: the controller must not take it for one.
    environment = {name: text for name, text in run.environment.items() if name != TOKEN}
    try:
        child = await asyncio.create_subprocess_exec(
            *run.arguments,
            # Of a system that was never applied there is no folder, and none is made. Python looks for modules in the working
            # directory first: in a person's there may be anything.
            cwd=run.folder if run.folder.is_dir() else run.folder.anchor,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise TargetError(f"{run.arguments[0]} cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(timeout):
            printed, said = await child.communicate()
    except TimeoutError:
        raise TargetError(f"the services of {system} did not answer within {timeout:g} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        words = " ".join(line.removeprefix("chatsystem-services: ") for line in said.decode().splitlines())
        raise TargetError(words[-500:] or f"the program of the services ended with {child.returncode}")
    return printed.decode()


def _beside(hosting: Workload, arguments: Sequence[str]) -> Workload:
    environment = {name: text for name, text in hosting.environment.items() if not _OWN.search(text)}
    return replace(hosting, arguments=tuple(arguments), environment=environment)
