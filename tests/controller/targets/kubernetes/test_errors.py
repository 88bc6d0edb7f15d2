"""Refusals of an API server in words a person can act on."""

from __future__ import annotations

import json

import pytest

from controller.targets.kubernetes.errors import refused, wait_asked


def status(message: str) -> bytes:
    return json.dumps({"kind": "Status", "message": message}).encode()


@pytest.mark.parametrize(
    ("code", "message", "reason", "retryable"),
    [
        (401, "Unauthorized", "Forbidden", True),
        (403, "pods is forbidden: exceeded quota: small", "QuotaExceeded", True),
        (403, 'User "x" cannot patch resource "services"', "Forbidden", True),
        (403, "pvc x is forbidden: only dynamically provisioned pvc can be resized", "Immutable", False),
        (409, "the object has been modified", "StepFailed", True),
        (422, "spec.selector: Invalid value: field is immutable", "Immutable", False),
        (422, "spec.replicas: Invalid value: -1", "StepFailed", False),
        (429, "too many requests", "Unreachable", True),
        (503, "etcd is away", "Unreachable", True),
    ],
)
def test_each_refusal_has_its_reason(code: int, message: str, reason: str, retryable: bool) -> None:
    error = refused(code, status(message), "apply Service a")
    assert (error.reason, error.retryable) == (reason, retryable)
    assert str(error).startswith(f"cannot apply Service a: {message}")


def test_an_answer_that_is_not_the_api_servers_is_told_by_its_number() -> None:
    assert "HTTP 502" in str(refused(502, b"<html>bad gateway</html>", "list pods"))


@pytest.mark.parametrize(
    ("code", "headers", "seconds"),
    [
        (429, {"Retry-After": "2"}, 2.0),
        (503, {"Retry-After": "1"}, 1.0),
        (503, {}, None),
        (409, {"Retry-After": "1"}, None),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
    ],
)
def test_only_what_the_server_asks_for_is_waited_out(code: int, headers: dict[str, str], seconds: float | None) -> None:
    assert wait_asked(code, headers) == seconds
