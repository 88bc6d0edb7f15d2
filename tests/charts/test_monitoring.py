"""The board and the alert rules: every metric and label that they name exists, every alert has its section in the runbook."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from services.observation.reference import metrics
from tests.testbed.promql import parse

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "charts" / "monitoring"
RULES = [rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
BOARD = json.loads((FOLDER / "dashboard.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
RUNBOOK = (ROOT / "docs" / "operations" / "alerts.md").read_text()
QUERIES = [rule["expr"] for rule in RULES] + [target["expr"] for panel in PANELS for target in panel["targets"]]

BY_SERIES = {series: metric for metric in metrics() for series in metric.series()}
OF_PROMETHEUS = {"job", "instance"}
"""Labels that a scrape adds."""


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_names_metrics_and_labels_that_exist(query: str) -> None:
    expression = parse(query)
    known = set(OF_PROMETHEUS)
    for selector in expression.selectors:
        if selector.metric == "up":
            continue
        metric = BY_SERIES[selector.metric]
        labels = {*metric.labels, *OF_PROMETHEUS} | ({"le"} if selector.metric.endswith("_bucket") else set())
        assert selector.labels <= labels
        known |= labels
        # The rate of what can fall, or the present value of what only grows, says nothing.
        assert selector.ranged == (metric.kind != "gauge") or "avg_over_time" in query
    assert expression.selectors
    assert expression.grouping <= known


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_complete_and_its_runbook_has_a_section_that_says_what_to_do(rule: dict) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Chatsystem[A-Z]\w+", rule["alert"])
    assert re.fullmatch(r"\d+[mh]", rule["for"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    title = rule["alert"].removeprefix("Chatsystem")
    assert rule["annotations"]["runbook"] == f"docs/operations/alerts.md#{title.lower()}"
    section = RUNBOOK.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert f"({rule['labels']['severity']}, after {rule['for']})" in section
    for part in ("**Means.**", "**Look at.**", "**Do.**"):
        assert part in section
    assert rule["annotations"]["description"] in section


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_the_words_of_an_alert_use_labels_that_its_expression_keeps(rule: dict) -> None:
    kept = parse(rule["expr"])
    for name in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
        of_series = [BY_SERIES[each.metric].labels for each in kept.selectors if each.metric != "up"]
        assert name in kept.grouping | OF_PROMETHEUS | {label for labels in of_series for label in labels}
        if " by (" in rule["expr"]:
            assert name in kept.grouping


def test_alerts_and_sections_are_the_same() -> None:
    sections = set(re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE))
    assert sections == {rule["alert"].removeprefix("Chatsystem") for rule in RULES}


def test_panels_do_not_overlap_and_each_says_what_it_shows() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert all(panel["description"] for panel in PANELS)
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_the_board_stays_small() -> None:
    assert (FOLDER / "dashboard.json").stat().st_size < 100_000


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "rate(a)",
        "a[5m]",
        "sum(rate(a[5m])",
        "a)",
        "nonsense(a)",
        "sum by (x) a{b}",
        "a{b=1}",
        "a $ b",
        "sum by x (a)",
    ],
)
def test_what_is_no_expression_is_noticed(wrong: str) -> None:
    with pytest.raises(ValueError):
        parse(wrong)


def test_prometheus_itself_takes_the_rules_and_they_fire_when_they_should() -> None:
    """With promtool on the machine. Without it the cases of alerts_test.yaml are at least of alerts and series that exist."""
    cases = yaml.safe_load((FOLDER / "alerts_test.yaml").read_text())["tests"]
    names = {rule["alert"] for rule in RULES}
    assert {test["alertname"] for case in cases for test in case["alert_rule_test"]} == names
    for case in cases:
        assert {test["alertname"] for test in case["alert_rule_test"]} <= names
        for series in case["input_series"]:
            [selector] = parse(series["series"]).selectors
            known = () if selector.metric == "up" else BY_SERIES[selector.metric].labels
            assert selector.labels <= {*known, *OF_PROMETHEUS, "le"}
    promtool = shutil.which("promtool")
    if promtool is not None:
        for arguments in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]):
            done = subprocess.run([promtool, *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stdout + done.stderr
