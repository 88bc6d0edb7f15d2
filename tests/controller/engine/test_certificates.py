"""Certificates and their authority: renewed in time, and no process ever meets one that it does not trust."""

from __future__ import annotations

import ssl
import time
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.blueprint.workload import Blueprint, Certificate, Kind, Secret, Workload
from controller.engine.authority import Authority, DamagedAuthority, changed, ends, read_authority
from controller.engine.certificates import AUTHORITY_LIVES, SUCCESSION, CertificateState, Change, Phase, after, due
from controller.engine.forecast import forecast
from controller.engine.model import Action, Health, Instance, Observed
from controller.engine.planner import plan
from tests.testbed.handshake import agree

DAY = 86400.0
NOW = float(int(time.time()))
"""Of today, because a handshake looks at the machine's clock."""
WANTED = Certificate("chatsystem-services", 90 * DAY)
SECRET = Secret("rpc-tls", ("ca.crt", "tls.crt", "tls.key"), certificate=WANTED)
USER = Workload("user", Kind.SERVICE, "chat:1")
SYSTEM = Blueprint("acme", (USER,), (SECRET,))
FRESH = CertificateState(NOW + 90 * DAY, NOW, NOW + 1080 * DAY)


@pytest.mark.parametrize(
    ("state", "settled", "change"),
    [
        (None, False, Change.CREATE),
        (FRESH, True, None),
        (replace(FRESH, published=False), False, Change.PUBLISH),
        (replace(FRESH, until=NOW + 29 * DAY), False, Change.RENEW),
        (replace(FRESH, until=NOW - 1), False, Change.RENEW),
        (replace(FRESH, until=NOW + 365 * DAY), False, Change.RENEW),
        (replace(FRESH, authority_until=NOW - 1), False, Change.CREATE),
        (replace(FRESH, authority_until=NOW + 200 * DAY), False, None),
        (replace(FRESH, authority_until=NOW + 200 * DAY), True, Change.ANNOUNCE),
        (replace(FRESH, phase=Phase.ANNOUNCED), False, None),
        (replace(FRESH, phase=Phase.ANNOUNCED), True, Change.SWITCH),
        (replace(FRESH, phase=Phase.SWITCHED), False, None),
        (replace(FRESH, phase=Phase.SWITCHED), True, Change.WITHDRAW),
        # The authority ends so soon that a new certificate would not live longer than the one there is.
        (replace(FRESH, until=NOW + 20 * DAY, authority_until=NOW + 21 * DAY), False, None),
    ],
)
def test_what_is_due(state: CertificateState | None, settled: bool, change: Change | None) -> None:
    assert due(WANTED, state, NOW, settled=settled) == change


def test_a_renewal_waits_for_nothing_and_a_new_authority_for_every_process() -> None:
    old = Instance("user-0", "user", 0, "stale", Health.HEALTHY)
    current = replace(old, digest=USER.digest)
    keys = {"rpc-tls": SECRET.keys}
    late = {"rpc-tls": replace(FRESH, until=NOW + DAY)}
    announced = {"rpc-tls": replace(FRESH, phase=Phase.ANNOUNCED)}

    def renewals(observed: Observed) -> int:
        return sum(step.action is Action.RENEW_SECRET for step in plan(SYSTEM, observed, NOW).steps)

    assert renewals(Observed((old,), secrets=keys, certificates=late)) == 1
    assert renewals(Observed((old,), secrets=keys, certificates=announced)) == 0
    assert renewals(Observed((current,), secrets=keys, certificates=announced)) == 1


def test_a_plan_makes_the_certificate_once_before_what_needs_it() -> None:
    steps = forecast(SYSTEM, Observed(), NOW)
    assert [(step.action, step.workload) for step in steps] == [
        (Action.CREATE_SECRET, "rpc-tls"),
        (Action.START, "user"),
    ]


@given(validity=st.integers(3600, 3650 * 86400), start=st.integers(0, 10**10))
def test_a_succession_comes_to_its_end_and_then_nothing_is_due(validity: int, start: int) -> None:
    wanted = Certificate("chatsystem-services", float(validity))
    now = float(start)
    state = after(wanted, None, Change.CREATE, now)
    now += (AUTHORITY_LIVES - SUCCESSION + 0.5) * validity
    seen = []
    for _ in range(6):
        change = due(wanted, state, now, settled=True)
        if change is None:
            break
        seen.append(change)
        state = after(wanted, state, change, now)
    assert seen == [Change.RENEW, Change.ANNOUNCE, Change.SWITCH, Change.WITHDRAW]


@pytest.fixture(scope="module")
def phases() -> list[Authority]:
    """A real authority, as processes meet it: each is told of one of these."""
    one = changed(None, Change.CREATE, WANTED, NOW)
    steps = [one]
    for change in (Change.RENEW, Change.ANNOUNCE, Change.SWITCH, Change.WITHDRAW):
        steps.append(changed(steps[-1], change, WANTED, NOW))
    return steps


def test_processes_of_neighbouring_phases_accept_each_other(phases: list[Authority]) -> None:
    for before, later in pairwise(phases):
        agree(before, later, WANTED.name)
        agree(later, before, WANTED.name)


def test_an_authority_that_was_withdrawn_is_refused(phases: list[Authority]) -> None:
    with pytest.raises(ssl.SSLError):
        agree(phases[0], phases[-1], WANTED.name)


def test_the_real_authority_is_as_decisions_take_it(phases: list[Authority]) -> None:
    state: CertificateState | None = None
    for made, change in zip(
        phases, (Change.CREATE, Change.RENEW, Change.ANNOUNCE, Change.SWITCH, Change.WITHDRAW), strict=True
    ):
        state = after(WANTED, state, change, NOW)
        real = made.state(made.published())
        assert (real.phase, real.until, real.authority_until) == (state.phase, state.until, state.authority_until)


def test_a_certificate_never_outlives_its_authority() -> None:
    made = changed(None, Change.CREATE, WANTED, NOW)
    later = NOW + 1080 * DAY - 3600
    state = changed(made, Change.RENEW, WANTED, later).state({})
    assert state.until == state.authority_until


def test_what_is_kept_is_read_back_and_half_of_it_is_noticed(phases: list[Authority]) -> None:
    document = phases[2].document()
    assert read_authority(document) == phases[2]
    for damaged in (b"", b"{}", document[:-40], document.replace(b"BEGIN", b"BEG")):
        with pytest.raises(DamagedAuthority):
            read_authority(damaged)


def test_files_of_two_issues_are_noticed(phases: list[Authority]) -> None:
    mixed = {**phases[1].published(), "tls.crt": phases[0].published()["tls.crt"]}
    assert phases[1].state(phases[1].published()).published
    assert not phases[1].state(mixed).published


def test_keys_are_in_no_words(phases: list[Authority]) -> None:
    assert "PRIVATE" not in repr(phases[2])


def test_the_end_of_a_persons_own_certificate_is_read(phases: list[Authority]) -> None:
    assert ends(phases[0].published()["tls.crt"]).until == NOW + 90 * DAY
    with pytest.raises(DamagedAuthority):
        ends(b"hello")
