"""What the API server refuses, in words a person can act on. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from controller.engine.ports import TargetError
from controller.engine.reasons import Reason

LONGEST = 600


class Refused(TargetError):
    """An answer of the API server that is not a success. `status` is that of HTTP; `cause` the Kubernetes reason
    (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/)."""

    def __init__(self, message: str, *, status: int, cause: str, reason: str, retryable: bool) -> None:
        super().__init__(message, reason=reason, retryable=retryable)
        self.status = status
        self.cause = cause


def refused(status: int, body: bytes | str, what: str) -> Refused:
    """`what` was tried, for example "apply Deployment acme-gateway"."""
    answer = _status(body)
    cause = str(answer.get("reason") or "")
    words = " ".join(str(answer.get("message") or f"HTTP {status}").split())[:LONGEST]
    reason, retryable, remedy = Reason.STEP_FAILED, True, ""
    match status:
        case 401:
            reason, remedy = (
                Reason.FORBIDDEN,
                "; the credentials are not accepted: check the kubeconfig or the service account",
            )
        case 403 if "exceeded quota" in words:
            reason, remedy = Reason.QUOTA_EXCEEDED, "; raise the quota of the namespace, or ask for less"
        case 403 if "can be resized" in words:
            reason, retryable = Reason.IMMUTABLE, False
            remedy = "; declare the size that it has, or let its storage class allow expansion"
        case 403 if "being terminated" in words:
            remedy = "; the namespace is being deleted"
        case 403:
            reason, remedy = (
                Reason.FORBIDDEN,
                "; grant it in the role of the controller, or ask the cluster's administrator",
            )
        case 422:
            retryable = False
            if is_immutable(words):
                reason = Reason.IMMUTABLE
        case 429:
            reason, remedy = Reason.UNREACHABLE, "; the API server is overloaded, the controller tries again"
        case _ if status >= 500:
            reason, remedy = Reason.UNREACHABLE, "; the controller tries again"
    return Refused(f"cannot {what}: {words}{remedy}", status=status, cause=cause, reason=reason, retryable=retryable)


def unreachable(what: str, error: BaseException) -> TargetError:
    """The API server did not answer at all."""
    words = str(error) or type(error).__name__
    return TargetError(
        f"cannot {what}: the API server does not answer ({words}); the controller tries again",
        reason=Reason.UNREACHABLE,
    )


def is_immutable(words: str) -> bool:
    """Whether the API server refuses to change a field of what exists."""
    return any(
        mark in words
        for mark in (
            "field is immutable",
            "updates to statefulset spec for fields other than",
            "spec is immutable after creation",
            "may not change once set",
            "primary clusterIP",
        )
    )


def wait_asked(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds after which the same request may be sent again, if the server said so: 429 and 5xx with Retry-After."""
    if status not in {429, 500, 503, 504}:
        return None
    try:
        return max(float(headers["Retry-After"]), 0.0)
    except (KeyError, ValueError):
        return None


def _status(body: bytes | str) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
