"""The whole record of one system: everything that is measured, in the order in which one thing prepares the next."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench import report
from bench.catch_up import catch_up
from bench.crowd import arrive
from bench.generator import run
from bench.population import Population, population
from bench.profile import Profile
from bench.scenario import Outcome, Scenario
from bench.scenarios import PAIRS, scenarios, under_load
from bench.searching import Watch, rebuild
from bench.start_up import start_up
from bench.subject import Subject

MEMBERS = 500
CROWD = 10_000
AWAY, PAST, MISSED = 200, 150, 50
WARMING = 3
"""Rebuilds before the one that counts: Java's compiler has then seen the code that indexes."""


def inhabitants() -> Population:
    return population(pairs=max(PAIRS), members=MEMBERS, crowd=CROWD, away=AWAY, past=PAST)


def record(subject: Subject, people: Population, *, only: str, seconds: float, profile: bool) -> None:
    """Measures what has the text `only` in its name, and prints it."""

    def wanted(name: str) -> bool:
        return only.lower() in name.lower()

    if subject.setup.stores == "production":
        prepare(subject)
        if wanted("index rebuild"):
            _say(rebuild(people, subject))
    if subject.setup.stores == "embedded" and wanted("up --detach"):
        with tempfile.TemporaryDirectory(prefix="chatsystem-bench-") as folder:
            _say(start_up(Path(folder)))
    if wanted(f"{CROWD} idle connections"):
        _say(str(arrive(people.crowd, subject)))
    if wanted("catching up"):
        _say(catch_up(people, subject, MISSED))
    outcomes = [
        _one(scenario, subject, profile=profile)
        for scenario in scenarios(people, subject.gateways, seconds)
        if wanted(scenario.name)
    ]
    load = under_load(people, subject.gateways, seconds)
    if wanted(load.name):
        watch = Watch(people, subject, seconds)
        outcomes.append(run(load, subject, watch))
        _say(str(watch))
    for outcome in outcomes:
        if outcome.scenario.name.startswith("fan-out"):
            _say(report.fan_out(outcome, subject))
    if outcomes:
        _say("\n" + report.messages(outcomes))
        _say("\n" + report.processor(outcomes, subject))
        _say("\n" + report.memory(outcomes, subject))


def prepare(subject: Subject) -> None:
    """Brings what was written into the database to the index."""
    for _ in range(WARMING):
        subject.system.tool("rebuild-index", timeout=300.0)


def _one(scenario: Scenario, subject: Subject, *, profile: bool) -> Outcome:
    print(f"… {scenario.name}", file=sys.stderr, flush=True)
    if not profile:
        return run(scenario, subject)
    profiles: list[Profile] = []
    with tempfile.TemporaryDirectory(prefix="chatsystem-bench-") as folder:

        def look() -> None:
            profiles.append(Profile(subject.service_pids, Path(folder), scenario.seconds))

        outcome = run(scenario, subject, look)
        _say("\n\n".join(each.report() for each in profiles))
    return outcome


def _say(text: str) -> None:
    print(text, flush=True)
