"""Amounts as an API server writes them (its canonical form of a quantity, and whole seconds). Pure.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import math

_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def memory(amount: int) -> str:
    """Bytes with the largest binary unit that leaves no fraction: 1536 Mi, not 1.5 Gi."""
    unit = 0
    while amount and amount % 1024 == 0 and unit < len(_BINARY) - 1:
        amount //= 1024
        unit += 1
    return f"{amount}{_BINARY[unit]}"


def cpu(cores: float) -> str:
    """Whole cores as a number, anything else in thousandths: 2, 500m."""
    thousandths = math.ceil(round(cores * 1000, 6))
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


def seconds(amount: float, *, least: int = 0) -> int:
    """Whole seconds, rounded up."""
    return max(math.ceil(amount), least)
