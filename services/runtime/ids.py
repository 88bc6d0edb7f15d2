"""New identifiers for users, conversations, events and messages."""

from __future__ import annotations

import secrets


def new_id() -> str:
    """20 hexadecimal digits, 80 random bits. Opaque, printable ASCII, and short enough to be a nickname, which it is for an
    account registered by phone."""
    return secrets.token_hex(10)
