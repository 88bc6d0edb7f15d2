"""`chatsystem plan`: what the controller would do, without doing it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from controller.cli.failure import USAGE, Failure
from controller.cli.options import Place, file_option, output_option, place_options

if TYPE_CHECKING:
    from controller.cli.session import Session

_SIGNS = {
    "start": "+",
    "run-job": "+",
    "create-secret": "+",
    "renew-secret": "~",
    "restart": "~",
    "stop": "-",
    "forget": "-",
    "apply": "~",
    "prune": "-",
}
_OF_INSTANCES = ("start", "restart", "stop")


@click.command()
@click.argument("name", required=False)
@file_option(required=False)
@output_option("text", "json")
@place_options
def plan(name: str | None, file: str | None, output: str, place: Place) -> None:
    """Show what applying FILE, or the declaration that is kept of NAME, would do. Changes nothing."""
    from controller.cli.declare import tell
    from controller.cli.documents import read_document
    from controller.cli.systems import find, run

    if (name is None) == (file is None):
        raise Failure("give either -f FILE or the NAME of a system", USAGE)

    async def work() -> None:
        given = read_document(file) if file is not None else None
        session = await place.open()
        document = given or dict((await find(session, str(name))).document)
        system = name or document["metadata"]["name"]
        steps = await foresee(session, system, document)
        tell(document, place.target)
        if output == "json":
            click.echo(json.dumps({"name": system, "steps": steps}, indent=2, ensure_ascii=False))
            return
        for step in steps:
            where = f"{step['workload']}-{step['index']}" if step["action"] in _OF_INSTANCES else step["workload"]
            reason = f": {step['reason']}" if step["reason"] else ""
            click.echo(f"{_SIGNS.get(step['action'], ' ')} {step['action']} {where}{reason}")
        click.echo(f"{system}: {len(steps)} steps" if steps else f"{system}: nothing to do")

    run(work())


async def foresee(session: Session, system: str, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps that lead from what runs to what the document wants, in order; a stable form."""
    import time

    from controller.engine.forecast import forecast

    blueprint = session.target.blueprint(document)
    observed = await session.target.observe(system, blueprint)
    return [
        {
            "action": str(step.action),
            "workload": step.workload,
            "index": step.index,
            "instance": step.instance,
            "reason": step.reason,
        }
        for step in forecast(blueprint, observed, time.time())
    ]
