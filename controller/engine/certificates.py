"""When the certificates of a system's own authority are renewed, and when the authority itself is. Pure.

A certificate of the same authority can be renewed at any time: every process trusts it already. Another authority takes over
in two phases, so that no process ever meets a certificate that it does not trust:

    STEADY     one authority is trusted and issues
    ANNOUNCED  its successor is trusted too; the old one still issues
    SWITCHED   the successor issues; the old one is still trusted
    STEADY     the old one is trusted no more

Each phase begins only after every process has been replaced by one that was told of the phase before: when nothing else is
left to do for the system. A certificate reaches a process with its start (docs/decisions/ says why).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from controller.blueprint.workload import Certificate

AUTHORITY_LIVES = 12
"""Lifetimes of a certificate that an authority is valid for: three years, where a certificate has 90 days."""
SUCCESSION = 3
"""Lifetimes of a certificate before its authority's end at which the successor is announced."""


class Phase(StrEnum):
    STEADY = "steady"
    ANNOUNCED = "announced"
    SWITCHED = "switched"


class Change(StrEnum):
    """What is to be done about a certificate."""

    CREATE = "create"  # an authority and its first certificate
    PUBLISH = "publish"  # write the files anew that a crash left half written
    RENEW = "renew"
    ANNOUNCE = "announce"
    SWITCH = "switch"
    WITHDRAW = "withdraw"


@dataclass(frozen=True)
class CertificateState:
    """A certificate as it is kept. Times in Unix seconds."""

    until: float
    """When it ends."""
    since: float = 0.0
    authority_until: float | None = None
    """When the authority that issues ends; None: a person's own certificate."""
    phase: Phase = Phase.STEADY
    published: bool = True
    """The files that processes read are those of the authority."""


def due(certificate: Certificate, state: CertificateState | None, now: float, *, settled: bool) -> Change | None:
    """What may and has to be done now. `settled`: every process has been told of what was done last."""
    if state is None or state.authority_until is None or state.authority_until <= now:
        return Change.CREATE
    if not state.published:
        return Change.PUBLISH
    if _outlived(certificate, state, now):
        return Change.RENEW
    if not settled:
        return None
    match state.phase:
        case Phase.ANNOUNCED:
            return Change.SWITCH
        case Phase.SWITCHED:
            return Change.WITHDRAW
        case _:
            near = state.authority_until - now < SUCCESSION * certificate.validity
            return Change.ANNOUNCE if near else None


def _outlived(certificate: Certificate, state: CertificateState, now: float) -> bool:
    """Two thirds of its life are over, or more is left than the declaration now allows. Not if its authority's own end leaves
    hardly anything to be gained: the successor issues the next one."""
    left = state.until - now
    if left > certificate.validity * 1.01:
        return True
    gain = lifetime(certificate, state.authority_until, now) - left
    return left < certificate.validity / 3 and gain > certificate.validity / 12


def lifetime(certificate: Certificate, authority_until: float | None, now: float) -> float:
    """Seconds for which a certificate that is issued now is valid: never longer than its authority."""
    if authority_until is None:
        return certificate.validity
    return min(certificate.validity, authority_until - now)


def after(certificate: Certificate, state: CertificateState | None, change: Change, now: float) -> CertificateState:
    """What is kept after a change: for forecasts, and the law that the real authority is tested against."""
    fresh_authority = now + AUTHORITY_LIVES * certificate.validity
    if state is None or change is Change.CREATE:
        return CertificateState(now + certificate.validity, now, fresh_authority)
    match change:
        case Change.PUBLISH:
            return replace(state, published=True)
        case Change.RENEW:
            return replace(state, since=now, until=now + lifetime(certificate, state.authority_until, now))
        case Change.ANNOUNCE:
            return replace(state, phase=Phase.ANNOUNCED)
        case Change.SWITCH:
            until = now + certificate.validity
            return CertificateState(until, now, fresh_authority, Phase.SWITCHED)
        case _:
            return replace(state, phase=Phase.STEADY)


REASONS = {
    Change.CREATE: "{name} has no certificate of an authority that is still valid",
    Change.PUBLISH: "the files of {name} are not those that were issued",
    Change.RENEW: "the certificate of {name} has lived two thirds of its time, or longer than it may",
    Change.ANNOUNCE: "the authority of {name} nears its end: its successor is trusted from now on",
    Change.SWITCH: "every process trusts the next authority of {name}: it issues from now on",
    Change.WITHDRAW: "every process has a certificate of the new authority of {name}: the old one is trusted no more",
}
"""Why, in a sentence; `name` is that of the secret."""
