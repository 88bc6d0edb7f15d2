"""The proxy to an API server is the one that the environment names for it."""

from __future__ import annotations

import pytest

from controller.targets.kubernetes.client import proxy_to

PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://api.example.com:6443", None),
        ({"HTTPS_PROXY": PROXY}, "https://api.example.com:6443", PROXY),
        ({"HTTP_PROXY": PROXY}, "https://api.example.com:6443", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": ".example.com"}, "https://api.example.com:6443", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, "https://api.example.com:6443", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "other.example.com"}, "https://api.example.com:6443", PROXY),
    ],
)
def test_the_environment_decides(
    environment: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_to(url) == proxy
