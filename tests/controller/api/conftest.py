"""Documents that the tests begin with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Document = dict[str, Any]


@pytest.fixture
def system() -> Callable[..., Document]:
    """Makes the document of a ChatSystem from fields of its spec."""

    def make(**spec: Any) -> Document:
        return {
            "apiVersion": "chatsystem.dev/v1alpha1",
            "kind": "ChatSystem",
            "metadata": {"name": "acme"},
            "spec": {"version": "1.2.0", **spec},
        }

    return make
