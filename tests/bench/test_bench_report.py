"""What the benchmark prints is what it measured."""

from __future__ import annotations

import argparse
import os

import pytest

from bench.__main__ import _replicas
from bench.compare import cost, spread
from bench.costs import Costs
from bench.population import population, rows
from bench.profile import table
from bench.scenario import Outcome, Scenario
from bench.scenarios import scenarios, under_load

STACKS = """thread (0x1): MainThread;run (a/asyncio/runners.py:1);send (/x/services/transmit/service.py:7) 30
thread (0x1): MainThread;run (a/asyncio/runners.py:1);send (/x/services/transmit/service.py:9) 10
thread (0x1): MainThread;run (a/asyncio/runners.py:1) 60
"""


def test_a_profile_counts_a_function_once_whatever_its_line() -> None:
    assert "| `send /x/services/transmit/service.py` | 40.0 | 40.0 |" in table("all", STACKS)
    assert "| `run a/asyncio/runners.py` | 60.0 | 100.0 |" in table("all", STACKS)


def test_costs_are_those_since_then() -> None:
    before = Costs({"gateway": 1.0}, {"gateway": 5})
    after = Costs({"gateway": 1.5, "mysql": 0.25}, {"gateway": 7, "mysql": 9})
    spent = after.since(before)
    assert (spent.cpu, spent.memory) == ({"gateway": 0.5, "mysql": 0.25}, after.memory)
    assert spent.total(["gateway", "mysql"]) == 0.75
    assert spent.resident(["gateway", "mysql"]) == 16


def test_the_costs_of_a_process_are_there() -> None:
    costs = Costs.of({"self": [os.getpid()]})
    assert costs.cpu["self"] > 0
    assert costs.memory["self"] > 1_000_000


def test_the_price_of_a_message_counts_those_of_the_warm_up() -> None:
    counted = {"acknowledged": 10, "seconds": 2.0, "messages": 15}
    scenario = Scenario("pairs", "http", [], [], [])
    outcome = Outcome(scenario, counted, Costs({"all": 0.25, "mysql": 0.05}))
    assert (outcome.sends, cost(outcome)) == (5.0, pytest.approx(0.02))


def test_a_ratio_comes_with_its_spread() -> None:
    assert spread([0.9, 0.5, 0.7]) == "0.70 (0.50 to 0.90)"


@pytest.mark.parametrize("text", ["gateway", "gateway=0", "gate=2", "gateway=2,", "gateway=-1"])
def test_a_count_of_replicas_has_a_form(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="not of the form gateway=2"):
        _replicas(text)


def test_counts_of_replicas() -> None:
    assert _replicas("gateway=2,transmit=3") == {"gateway": 2, "transmit": 3}


def test_nobody_is_written_twice() -> None:
    people = population(pairs=3, members=4, crowd=5, away=2, past=6)
    written = {table: values for table, _, values in rows(people)}
    ids = [row[0] for row in written["user"]]
    assert len(set(ids)) == len(ids) == 3 * 2 + 4 + 5 + 1 + 2
    assert [row[:3] for row in written["message"]][5][2] == 6
    assert len({row[0] for row in written["message"]}) == 12
    assert [row[5] for row in written["chat_session"]] == [0, 0, 0, 6, 6, 0]


def test_every_scenario_has_the_conversations_of_its_name() -> None:
    people = population(pairs=256, members=5, crowd=0, away=0, past=0)
    made = {each.name: each for each in scenarios(people, [(1, 2)], 3.0)}
    assert len(made["HTTP, 64 pairs"].senders) == len(made["WebSocket, 64 pairs"].receivers) == 64
    assert made["WebSocket, 256 pairs"].senders[255] == (
        people.pairs[255].sender.token,
        people.pairs[255].chat_session_id,
    )
    assert len(made["fan-out to 5"].receivers) == 4
    assert under_load(people, [(1, 2)], 3.0).rate > made["HTTP, 100 messages/s"].rate == 100
