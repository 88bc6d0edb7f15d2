"""The web client's files over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.gateway.assets import Assets, security_headers
from tests.testbed.gateway import System


async def test_the_page_is_served_with_its_policy(system: System) -> None:
    async with system.http.get(system.url + "/") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy
        assert f"ws://127.0.0.1:{system.gateway.websocket_port} " in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert b"<html" in await answer.read()


async def test_every_file_that_the_page_names_is_there(system: System) -> None:
    async with system.http.get(system.url + "/js/main.js") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/javascript")


async def test_an_unchanged_file_is_not_sent_again(system: System) -> None:
    async with system.http.get(system.url + "/") as answer:
        etag = answer.headers["ETag"]
    async with system.http.get(system.url + "/", headers={"If-None-Match": etag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
        assert answer.headers["ETag"] == etag
    async with system.http.head(system.url + "/") as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert int(answer.headers["Content-Length"]) > 0


async def test_the_web_client_learns_of_its_server(system: System) -> None:
    async with system.http.get(system.url + "/config.json") as answer:
        configuration = json.loads(await answer.read())
    assert configuration["websocketPort"] == system.gateway.websocket_port
    assert configuration["protocol"] == 1
    assert configuration["limits"]["maxBodySize"] == 52 * 2**20


async def test_without_the_web_client_get_is_400(start) -> None:
    async with start(web="false") as system:
        for path in ("/", "/config.json", "/js/main.js"):
            async with system.http.get(system.url + path) as answer:
                assert (answer.status, await answer.read()) == (400, b"Bad Request")


@pytest.mark.parametrize(
    "path",
    ["/../secret", "/..", "//etc/passwd", "/a/../../secret", "/.hidden", "/js", "/js/", "/x\0y", "/" + "a" * 300, ""],
)
def test_nothing_outside_the_folder_is_served(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "static"
    (root / "js").mkdir(parents=True)
    (root / ".hidden").write_text("hidden")
    assert Assets(root).get(path) is None


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("one")
    assets = Assets(tmp_path)
    first = assets.get("/")
    assert first is not None and assets.get("/index.html") is not None
    (tmp_path / "index.html").write_text("second")
    second = assets.get("/")
    assert second is not None and second.body == b"second" and second.etag != first.etag


@pytest.mark.parametrize("host", ["", "evil.example; script-src *", "a b", "x" * 10 + "'"])
def test_a_strange_host_does_not_get_into_the_policy(host: str) -> None:
    policy = security_headers(host, 9001)["Content-Security-Policy"]
    assert "connect-src 'self' ws: wss:;" in policy
    assert not host or host not in policy


def test_the_sockets_of_the_same_host_are_allowed() -> None:
    policy = security_headers("chat.example:9000", 9001)["Content-Security-Policy"]
    assert "connect-src 'self' ws://chat.example:9001 wss://chat.example:9001 wss://chat.example;" in policy
