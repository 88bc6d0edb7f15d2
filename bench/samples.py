"""What a run of the load generator counted, and percentiles of it. Pure."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field


@dataclass
class Samples:
    """Counts inside the measured window. Times in seconds."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    delivered: int = 0
    last_refusal: str = ""
    acknowledgement: array[float] = field(default_factory=lambda: array("d"))
    delivery: array[float] = field(default_factory=lambda: array("d"))


def percentile(samples: array[float], fraction: float) -> float:
    """The smallest sample that at least `fraction` of all samples do not exceed; 0 for no samples."""
    if not samples:
        return 0.0
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]
