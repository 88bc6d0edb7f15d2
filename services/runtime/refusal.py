"""A business failure: the answer is well-formed, `success` is false and `errmsg` says why.

Existing clients show `errmsg` to people word for word, so its text is Chinese and names nothing internal.
"""

from __future__ import annotations


class Refusal(Exception):
    """Raised by a handler; the RPC layer turns it into the response message with success=false.

    `retry_after` (seconds) tells a client that the same request may succeed later.
    """

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
