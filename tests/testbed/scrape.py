"""The metrics of a running process."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.testbed.system import fetch


class Scrape:
    """What a process says of itself at one moment. `port` is that of its health and metrics."""

    def __init__(self, port: int) -> None:
        status, text = fetch(f"http://127.0.0.1:{port}/metrics")
        assert status == 200, f"the metrics on port {port}: {status} {text[:200]}"
        self._samples = [
            (sample.name, sample.labels, sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that have these labels."""
        return sum(value for found, has, value in self._samples if found == name and has.items() >= labels.items())
