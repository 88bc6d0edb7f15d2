"""`chatsystem delete`: stops a system and removes it; its data as the deletion policy says."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from controller.cli.failure import FAILED, USAGE, Failure
from controller.cli.options import Place, place_options, timeout_option

if TYPE_CHECKING:
    from controller.cli.session import Session


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--purge", is_flag=True, help="Remove the data too, whatever the deletion policy says.")
@timeout_option("2m")
@place_options
def delete(name: str, yes: bool, purge: bool, timeout: float, place: Place) -> None:
    """Stop NAME and remove it. With deletionPolicy Retain its data stays, and the command says where."""
    from controller.cli.systems import run

    run(_delete(place, name, yes, purge, timeout))


async def _delete(place: Place, name: str, yes: bool, purge: bool, timeout: float) -> None:
    from controller.cli.documents import author
    from controller.cli.systems import find, possible
    from controller.cli.waiting import wait_for

    session = await place.open()
    if purge and possible(name) and await session.store.get(name) is None and await session.data_left(name):
        _confirm(f"Remove the data that {name} has left behind?", yes)
        await session.purge(name)
        click.echo(f"the data of {name} is removed")
        return
    stored = await find(session, name)
    policy = policy_of(stored.document)
    if policy == "BackupThenDelete" and not purge:
        raise Failure(
            f"{name} is to be backed up before it is deleted, and this version takes no backups; apply it with deletionPolicy: "
            "Retain or Delete, or delete it with --purge",
            FAILED,
        )
    _confirm(f"Stop and remove {name}{' with its data' if purge or policy == 'Delete' else ''}?", yes)
    if purge:
        await session.store.put(without_data(name, stored.document), author=author())
    await session.store.mark_deleted(name)
    await _see_it_through(session, name)
    waited = await wait_for(session, name, "deleted", timeout)
    if waited.outcome.exit_code:
        raise Failure(f"{name}: {waited.outcome.message}", waited.outcome.exit_code)
    kept = await session.data_left(name)
    where = f"; its data stays in {', '.join(kept)} (remove it with: chatsystem delete {name} --purge)" if kept else ""
    click.echo(f"{name} is deleted{where}")


async def _see_it_through(session: Session, name: str) -> None:
    """Makes sure that a controller does the work, unless the one that was there has done it in the meantime."""
    from controller.engine.ports import TargetError

    try:
        await session.start_controller(name)
    except TargetError:
        if await session.store.get(name) is not None:
            raise


def policy_of(document: Mapping[str, Any]) -> str:
    """The deletion policy of a document that need not be valid."""
    spec = document.get("spec")
    policy = spec.get("deletionPolicy") if isinstance(spec, Mapping) else None
    return policy if policy in ("Delete", "BackupThenDelete") else "Retain"


def without_data(name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The document, valid or not, with the policy that keeps nothing."""
    spec = document.get("spec")
    return {
        "metadata": {"name": name},
        **document,
        "spec": {**(spec if isinstance(spec, Mapping) else {}), "deletionPolicy": "Delete"},
    }


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise Failure("nobody can be asked here; add --yes to delete without a question", USAGE)
    if not click.confirm(question):
        raise Failure("nothing was deleted", FAILED)
