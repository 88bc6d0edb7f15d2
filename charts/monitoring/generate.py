"""Writes dashboard.json from dashboard.yaml: `python -m charts.monitoring.generate [--check]`.

Grafana's form repeats everything for each panel; a person reads and changes the YAML.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent
SOURCE = FOLDER / "dashboard.yaml"
BOARD = FOLDER / "dashboard.json"

_WIDTH = 24
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_HEIGHTS = {"stat": 4, "timeseries": 7}
_COLUMNS = {"stat": 6, "timeseries": 3}


def board(source: dict[str, Any]) -> dict[str, Any]:
    """The board as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in source["rows"]:
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": row["title"],
                "gridPos": {"x": 0, "y": y, "w": _WIDTH, "h": 1},
                "collapsed": False,
                "panels": [],
            }
        )
        y += 1
        kind = row["panels"][0].get("kind", "timeseries")
        columns, height = _COLUMNS[kind], _HEIGHTS[kind]
        for index, panel in enumerate(row["panels"]):
            place = {
                "x": index % columns * (_WIDTH // columns),
                "y": y + index // columns * height,
                "w": _WIDTH // columns,
                "h": height,
            }
            panels.append(_panel(len(panels) + 1, kind, panel, place))
        y += -(-len(row["panels"]) // columns) * height
    return {
        "title": source["title"],
        "uid": source["uid"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "panels": panels,
    }


def _panel(number: int, kind: str, panel: dict[str, Any], place: dict[str, int]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": number,
        "type": kind,
        "title": panel["title"],
        "description": panel["about"],
        "datasource": _DATASOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel["unit"], "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _DATASOURCE, "expr": expression, "legendFormat": legend}
            for index, (expression, legend) in enumerate(panel["queries"])
        ],
    }
    if kind == "stat":
        made["options"] = {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "none"}
    else:
        made["options"] = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    return made


def render() -> str:
    source = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    return json.dumps(board(source), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    text = render()
    stale = not BOARD.exists() or BOARD.read_text(encoding="utf-8") != text
    if "--check" in sys.argv[1:]:
        if stale:
            sys.stderr.write("charts/monitoring/dashboard.json is stale: run `python -m charts.monitoring.generate`\n")
        return int(stale)
    if stale:
        BOARD.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
