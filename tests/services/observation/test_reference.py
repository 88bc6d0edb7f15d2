"""The page of metrics is made from the source, and refuses what it could not tell."""

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from services.observation import reference
from services.observation.reference import PAGE, MetricError, metrics, render
from services.store.indexing import Indexing


def test_the_page_is_current():
    assert PAGE.read_text() == render()


def test_every_metric_stands_there_once():
    names = [metric.name for metric in metrics()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("Counter(name, 'help')", "must be literals"),
        ("Counter('a', text())", "must be literals"),
        ("Gauge('a', 'help', labels())", "must be literals"),
    ],
)
def test_a_metric_that_cannot_be_told_is_an_error_with_its_place(source, problem):
    with pytest.raises(MetricError, match=f"services/user/x.py:1: .*{problem}"):
        list(reference._of_module(Path("services/user/x.py"), ast.parse(source)))


def test_a_folder_without_a_section_is_an_error():
    with pytest.raises(MetricError, match="no section"):
        list(reference._of_module(Path("services/new/x.py"), ast.parse("Counter('a', 'b')")))


async def test_the_metrics_of_a_search_index_are_those_of_the_reference():
    registry = CollectorRegistry()
    Indexing(SimpleNamespace(metrics=registry), SimpleNamespace(messages=None, users=None), 1.0)
    made = {f"{each.name}_total" if each.type == "counter" else each.name for each in registry.collect()}
    assert made == {metric.name for metric in metrics() if metric.name.startswith("chatsystem_index_")}
