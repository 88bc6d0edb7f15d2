"""Runs a check of a store as the services' program does, for tests that look at what it finds."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from services.checks.finding import Refused, Report, Wanted
from services.stores.access import Access


async def checked(
    check: Callable[[Wanted], Awaitable[Report]], url: str, access: Access, *, timeout: float = 30.0, **named: Any
) -> Report:
    """What it reports. No finding may show the password. `timeout`: patience for a machine that is busy with other tests."""
    try:
        report = await check(Wanted(url, access, timeout=timeout, **named))
    except Refused as refused:
        report = Report(findings=refused.findings)
    if access.password:
        assert access.password not in json.dumps(report.line("mysql", "spec.stores.mysql.external"))
    for finding in report.findings:
        assert finding.message
        assert finding.remedy
    return report


def told(report: Report) -> list[tuple[str, str, str]]:
    """(severity, reason, field) of each finding."""
    return [(finding.severity, finding.reason, finding.field) for finding in report.findings]
