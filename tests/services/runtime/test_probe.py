"""The health check of a container."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from services.runtime.probe import main
from tests.testbed.process import free_ports


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """A process that answers with the line that the test gives; yields what it was asked."""
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(4096).decode().splitlines()[0])
                connection.sendall(f"{request.param}\r\n\r\n".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        monkeypatch.setenv("CHATSYSTEM_METRICS_PORT", str(server.getsockname()[1]))
        monkeypatch.setenv("CHATSYSTEM_METRICS_HOST", "0.0.0.0")
        yield asked
        thread.join()


@pytest.mark.parametrize("answering", ["HTTP/1.1 200 OK"], indirect=True)
def test_a_process_that_is_well(answering: list[str]) -> None:
    assert main([]) == 0
    assert answering == ["GET /healthz HTTP/1.1"]


@pytest.mark.parametrize("answering", ["HTTP/1.1 503 Service Unavailable"], indirect=True)
def test_a_process_that_takes_no_work(answering: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/readyz"]) == 1
    assert answering == ["GET /readyz HTTP/1.1"]
    assert "503" in capsys.readouterr().out


def test_a_process_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("CHATSYSTEM_METRICS_PORT", str(port))
    assert main([]) == 1
    assert f"/healthz of port {port}: " in capsys.readouterr().out
