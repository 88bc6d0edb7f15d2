"""Writes docs/reference/metrics.md from the source: `python -m services.observation.reference [--check]`.

A metric is found where it is made, so the page cannot name one that does not exist. Names, help texts and labels must
therefore stand as literals in the call, or in a variable of the same function.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "metrics.md"

_KINDS = {
    "Counter": "counter",
    "Gauge": "gauge",
    "Histogram": "histogram",
    "CounterMetricFamily": "counter",
    "GaugeMetricFamily": "gauge",
}

_SECTIONS = {
    "services/runtime/rpc_metrics.py": ("Stores, queues, pools, calls between processes", 1),
    "services/runtime": ("Every process", 0),
    "services/observation": ("Stores, queues, pools, calls between processes", 1),
    "services/gateway": ("gateway", 2),
    "services/user": ("user", 3),
    "services/friend": ("friend", 4),
    "services/transmit": ("transmit", 5),
    "services/store": ("store", 6),
    "services/file": ("file", 7),
    "services/speech": ("speech", 8),
    "services/stores": ("Stores", 9),
    "controller/targets/kubernetes": ("The controller in a cluster", 10),
}

LIBRARY = {
    "process_virtual_memory_bytes": ("gauge", "Virtual memory of the process."),
    "process_resident_memory_bytes": ("gauge", "Resident memory of the process."),
    "process_start_time_seconds": ("gauge", "When the process started, in Unix seconds."),
    "process_cpu_seconds_total": ("counter", "CPU time of the process."),
    "process_open_fds": ("gauge", "Open file descriptors."),
    "process_max_fds": ("gauge", "File descriptors that the process may open."),
}
"""Of the metrics library."""

HEADER = """# Metrics

Made from the code (`make generate`). Every process answers `/metrics` on its own port with those of the services that it hosts;
[../operations/monitoring.md](../operations/monitoring.md) tells how to scrape them. Times are in seconds. A counter starts at 0 with its
process. A histogram has the series `_bucket`, `_sum` and `_count`. Those that begin with `chatsystem_index_` are there only where a
search index is, connections and pools of the database only with MySQL, certificates only where calls are encrypted. The controller has those of its own section, and those that begin with `process_`.
"""


class MetricError(Exception):
    """A metric is made in a way that the page cannot tell; the text says where."""


@dataclass(frozen=True)
class Metric:
    """`name` as in the text that is scraped, a counter with its `_total`."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...]
    section: str

    def series(self) -> list[str]:
        """The names that a query may use."""
        if self.kind == "histogram":
            return [f"{self.name}{suffix}" for suffix in ("_bucket", "_sum", "_count")]
        return [self.name]


def metrics() -> list[Metric]:
    """All metrics of the services and the controller, by section and name. Raises MetricError."""
    found = [Metric(name, kind, text, (), _SECTIONS["services/runtime"][0]) for name, (kind, text) in LIBRARY.items()]
    for path in sorted(path for package in ("services", "controller") for path in (ROOT / package).rglob("*.py")):
        place = path.relative_to(ROOT)
        found += _of_module(place, ast.parse(path.read_text(encoding="utf-8")))
    order = dict(_SECTIONS.values())
    return sorted(found, key=lambda metric: (order[metric.section], metric.name))


def _of_module(place: Path, tree: ast.Module) -> Iterator[Metric]:
    constants = dict(_assignments(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _KINDS and node.args:
            where = f"{place}:{node.lineno}"
            name = _text(node.args[0], constants, where)
            if node.func.id == "Counter":
                name = name.removesuffix("_total") + "_total"  # as the library does
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            labels = keywords.get("labels") or keywords.get("labelnames")
            if labels is None and "Family" not in node.func.id and len(node.args) > 2:
                labels = node.args[2]
            section = next((title for prefix, (title, _) in _SECTIONS.items() if place.is_relative_to(prefix)), None)
            if section is None:
                raise MetricError(f"{where}: the page has no section for this folder")
            yield Metric(
                name,
                _KINDS[node.func.id],
                _text(node.args[1], constants, where),
                tuple(_texts(labels, constants, where)) if labels is not None else (),
                section,
            )


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def _text(node: ast.expr, constants: dict[str, ast.expr], where: str) -> str:
    match node:
        case ast.Constant(value=str() | int() as value):
            return str(value)
        case ast.Name(id=name) if name in constants:
            return _text(constants[name], constants, where)
        case ast.JoinedStr(values=values):
            return "".join(_text(value, constants, where) for value in values)
        case ast.FormattedValue(value=value):
            return _text(value, constants, where)
    raise MetricError(f"{where}: the name, help text and labels of a metric must be literals")


def _texts(node: ast.expr, constants: dict[str, ast.expr], where: str) -> Iterator[str]:
    match node:
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            for element in elements:
                if isinstance(element, ast.Starred):
                    yield from _texts(element.value, constants, where)
                else:
                    yield _text(element, constants, where)
        case ast.Name(id=name) if name in constants:
            yield from _texts(constants[name], constants, where)
        case _:
            raise MetricError(f"{where}: the labels of a metric must be literals")


def render() -> str:
    """The text of the page."""
    lines = [HEADER]
    section = ""
    for metric in metrics():
        if metric.section != section:
            section = metric.section
            lines.append(f"\n## {section}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n")
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help.replace('|', '/')} |\n")
    return "".join(lines)


def main() -> int:
    text = render()
    stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text
    if "--check" in sys.argv[1:]:
        if stale:
            sys.stderr.write(f"{PAGE.relative_to(ROOT)} is stale: run `python -m {__spec__.name}`\n")
        return int(stale)
    if stale:
        PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
