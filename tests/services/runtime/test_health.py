"""Health over HTTP: what a probe sees of a process that starts, runs, loses a store, and drains."""

import asyncio
import json

import pytest

from services.runtime.health import HealthServer, Readiness
from services.runtime.metrics import process_metrics
from services.stores.ports import StoreError


@pytest.fixture
async def readiness():
    return Readiness()


@pytest.fixture
async def ask(readiness):
    server = HealthServer(readiness, process_metrics("one", ["user"]))
    await server.start("127.0.0.1", 0)

    async def request(raw):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(raw if isinstance(raw, bytes) else f"GET {raw} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
        writer.close()
        return int(head.split(b" ")[1]) if head else 0, body

    yield request
    await server.close()


async def test_a_process_is_alive_from_the_start_and_ready_only_when_it_runs(ask, readiness):
    assert (await ask("/healthz"))[0] == 200
    status, body = await ask("/readyz")
    assert (status, json.loads(body)["state"]) == (503, "starting")
    readiness.state = "running"
    assert (await ask("/readyz"))[0] == 200
    readiness.state = "draining"
    status, body = await ask("/readyz")
    assert (status, json.loads(body)["state"]) == (503, "draining")
    assert (await ask("/healthz"))[0] == 200


async def test_a_store_that_is_away_makes_the_process_not_ready_and_is_named(ask, readiness):
    async def fine():
        return None

    async def away():
        raise StoreError("the server cannot be reached")

    readiness.state = "running"
    readiness.ask({"cache": away, "database": fine})
    status, body = await ask("/readyz")
    assert status == 503
    assert json.loads(body)["checks"] == {"cache": "the server cannot be reached", "database": "ok"}


async def test_metrics_name_the_hosted_services(ask):
    status, body = await ask("/metrics")
    assert status == 200
    assert b'chatsystem_service_hosted{instance="one",service="user"} 1.0' in body
    assert b"process_resident_memory_bytes" in body


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("/", 404),
        ("/readyz?verbose", 503),
        (b"POST /healthz HTTP/1.1\r\n\r\n", 405),
        (b"\x16\x03\x01\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 0),
    ],
)
async def test_other_requests_are_answered_or_cut_off(ask, raw, status):
    assert (await ask(raw))[0] == status
    assert (await ask("/healthz"))[0] == 200
