"""What the check of the external stores prints, for tests of those who read it."""

from __future__ import annotations

import json
from typing import Any


def line(store: str = "mysql", *findings: dict[str, Any]) -> str:
    """One store's line."""
    path = f"spec.stores.{store}.external"
    return json.dumps(
        {"store": store, "path": path, "server": "Server 1.0", "address": "a:1", "findings": list(findings)}
    )


def finding(reason: str = "StoreAccessDenied", severity: str = "error", path: str = "") -> dict[str, Any]:
    return {
        "severity": severity,
        "reason": reason,
        "path": path or "spec.stores.mysql.external.secretName",
        "message": "it refuses the password",
        "remedy": "correct it",
    }
