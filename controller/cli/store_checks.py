"""What `doctor` says of the external stores of a declaration: the check that the controller makes, once and now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from controller.cli.checks import Finding

if TYPE_CHECKING:
    from controller.cli.session import Session
    from controller.engine.model import StoreHealth


async def findings(session: Session, document: Mapping[str, Any]) -> list[Finding]:
    """In the order of the stores. The declaration need not have been applied: its secrets are looked for where they would
    be."""
    from controller.engine.ports import InvalidDeclaration
    from controller.engine.store_watch import examine

    name = document["metadata"]["name"]
    try:
        blueprint = session.target.blueprint(document)
    except InvalidDeclaration as error:
        return [Finding("declaration", "error", problem, "correct it") for problem in error.problems]
    if not blueprint.external:
        return []
    observed = await session.target.observe(name, blueprint)
    stores = await examine(session.target, name, blueprint, observed.secrets)
    return [finding for store in stores for finding in of(store)]


def of(store: StoreHealth) -> list[Finding]:
    found = [Finding(store.name, item.severity.value, item.message, item.remedy, item.path) for item in store.findings]
    if not store.checked:
        remedy = "put that right; nothing is known of the store until then"
        found.append(Finding(store.name, "warning", store.failure, remedy, store.path))
    elif store.error is None:
        words = f"{store.server} at {store.address}" if store.address else store.server
        found.insert(0, Finding(store.name, "ok", "; ".join(filter(None, (words, store.note))), "", store.path))
    return found
