"""What a check says. Plain data; nothing here ever holds a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from services.stores.access import Access

UNREACHABLE = "StoreUnreachable"
READ_ONLY = "StoreReadOnly"
UNHEALTHY = "StoreUnhealthy"
DENIED = "StoreAccessDenied"
TLS = "StoreTlsFailed"
INCOMPLETE = "StoreIncomplete"
UNSUPPORTED = "StoreUnsupported"
SCHEMA = "StoreSchemaConflict"
FULL = "StoreFull"
MISCONFIGURED = "StoreMisconfigured"
REASONS = (UNREACHABLE, READ_ONLY, UNHEALTHY, DENIED, TLS, INCOMPLETE, UNSUPPORTED, SCHEMA, FULL, MISCONFIGURED)
"""Stable words, explained in docs/reference/status.md."""


@dataclass(frozen=True)
class Finding:
    """`error`: the services, or what of them needs the store, would fail. `warning`: they work, but a promise is in danger."""

    severity: Literal["error", "warning"]
    reason: str
    field: str
    """Of the store's declaration, for example `endpoints[0]`; empty: the store as a whole."""
    message: str
    remedy: str


def error(reason: str, field: str, message: str, remedy: str) -> Finding:
    return Finding("error", reason, field, message, remedy)


def warning(reason: str, field: str, message: str, remedy: str) -> Finding:
    return Finding("warning", reason, field, message, remedy)


def as_warning(finding: Finding) -> Finding:
    return replace(finding, severity="warning")


class Refused(Exception):
    """Ends a check: nothing more can be seen."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = findings


@dataclass(frozen=True)
class Wanted:
    """What is to be checked: where the store is, and who the services are to it."""

    url: str
    access: Access
    options: Mapping[str, str] = field(default_factory=dict)
    """As in services.runtime.store_urls.StoreUrls."""
    connections: int = 0
    """Connections that the services need of a database altogether; 0: not known."""
    timeout: float = 4.0
    """Seconds for one exchange with the store."""


@dataclass(frozen=True)
class Report:
    """Of one store. `server`: product and version; `address`: which of several answered; `note`: what else is worth knowing;
    `failure`: why there is nothing to say."""

    server: str = ""
    address: str = ""
    note: str = ""
    failure: str = ""
    findings: tuple[Finding, ...] = ()

    def line(self, store: str, path: str) -> dict[str, Any]:
        """As it is printed. `path`: where the store is declared."""
        findings = []
        for finding in dict.fromkeys(self.findings):
            shown = asdict(finding)
            inner = shown.pop("field")
            findings.append({"path": f"{path}.{inner}" if inner else path, **shown})
        return {
            "store": store,
            "path": path,
            "server": self.server,
            "address": self.address,
            "note": self.note,
            "failure": self.failure,
            "findings": findings,
        }


def shown(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def version_of(text: str) -> tuple[int, ...]:
    """The leading numbers of a version, for comparison."""
    numbers = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)
