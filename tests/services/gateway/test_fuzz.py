"""Whatever bytes come, the gateway answers or closes; it does not crash, hang, or fail without a logged cause."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import aiohttp
import pytest
from hypothesis import strategies as st

from services.gateway.bodies import Malformed, parse
from services.gateway.routes import ROUTES
from services.protocol.gateway_pb2 import ClientFrame
from tests.testbed.gateway import System, new_message, token_of

Start = Callable[..., AbstractAsyncContextManager[System]]

VALID = [
    new_message("hello", "r1", token=token_of("alice")).SerializeToString(),
    ClientFrame(send=new_message("hello", "r1")).SerializeToString(),
    ClientFrame(ping={"request_id": "x"}).SerializeToString(),
]

mutated = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda base, at, junk: base[: at % (len(base) + 1)] + junk + base[at % (len(base) + 1) :],
        st.sampled_from(VALID),
        st.integers(0, 500),
        st.binary(max_size=8),
    ),
    st.builds(lambda base, size: base[: size % len(base)], st.sampled_from(VALID), st.integers(0, 500)),
)


def samples(strategy: st.SearchStrategy[bytes], count: int) -> list[bytes]:
    """Examples of a strategy for a test that needs its own event loop."""
    from hypothesis import HealthCheck, Phase, given, settings

    drawn: list[bytes] = []

    @settings(max_examples=count, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(strategy)
    def draw(example: bytes) -> None:
        drawn.append(example)

    draw()
    return drawn


async def unharmed(system: System) -> None:
    assert (await asyncio.wait_for(system.send("carol", "still here", "last"), 5)).success


async def test_any_body_on_any_path_is_answered(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    async with start(requestRate="0", sendRate="0") as system:
        paths = list(ROUTES)
        for index, body in enumerate(samples(mutated, 300)):
            headers = {"Content-Type": "application/json"} if index % 3 == 0 else {}
            url = system.url + paths[index % len(paths)]
            async with system.http.post(url, data=body, headers=headers) as answer:
                assert answer.status == 200
                response = ROUTES[paths[index % len(paths)]].response_type.FromString(await answer.read())
                assert response.success or response.errmsg
                if response.errmsg == "服务器内部错误，请稍后重试":
                    assert any(record.exc_info for record in caplog.records)
        await unharmed(system)


async def test_any_frame_is_answered_passed_over_or_ends_its_connection(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    async with start(requestRate="0", sendRate="0") as system:
        alice = None
        for index, payload in enumerate(samples(mutated, 300)):
            if alice is None or alice.ws.closed:
                alice = await (system.socket() if index % 2 else system.connect("alice"))
            await alice.ws.send_bytes(payload)
            if index % 10 == 0:
                try:
                    message = await alice.ws.receive(timeout=0.05)
                except TimeoutError:
                    continue
                if message.type != aiohttp.WSMsgType.BINARY:
                    assert alice.ws.close_code in (1002, 1003, 1008)
        await unharmed(system)
        failed = [record for record in caplog.records if record.exc_info]
        assert all(isinstance(record.exc_info[1], RuntimeError) for record in failed if record.exc_info)


async def test_any_bytes_on_the_sockets_end_in_an_answer_or_a_close(start: Start) -> None:
    heads = st.one_of(
        st.binary(max_size=300),
        st.builds(
            lambda junk: b"POST /service/user/username_login HTTP/1.1\r\n" + junk + b"\r\n\r\n", st.binary(max_size=80)
        ),
        st.builds(
            lambda junk: b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n" + junk + b"\r\n\r\n", st.binary(max_size=80)
        ),
    )
    async with start() as system:
        for index, raw in enumerate(samples(heads, 120)):
            port = system.gateway.http_port if index % 2 else system.gateway.websocket_port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw)
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 5)
            writer.close()
        await unharmed(system)


@pytest.mark.parametrize("json", [False, True])
def test_parsing_raises_nothing_but_malformed(json: bool) -> None:
    for body in samples(mutated, 300):
        for route in (ROUTES["/service/message_transmit/new_message"], ROUTES["/service/message_storage/sync"]):
            try:
                parse(route.request_type, body, json)
            except Malformed:
                continue
