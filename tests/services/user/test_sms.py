"""The HTTP sender of text messages, against a real server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from services.user.sms import HttpSms, LogSms, SmsError


class Endpoint:
    """Answers with the given statuses in turn, the last one for ever, and keeps what it was asked."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.bodies: list[object] = []
        self.headers: list[dict[str, str]] = []
        self.delay = 0.0
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        await asyncio.sleep(self.delay)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return web.Response(status=status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    application = web.Application()
    application.router.add_post("/sms", endpoint.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/sms"
    yield endpoint
    await runner.cleanup()


@pytest.fixture
async def sender(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., HttpSms]]:
    monkeypatch.setattr("services.user.sms._FIRST_PAUSE", 0.001)
    made: list[HttpSms] = []

    def make(token_file: str = "", *, timeout: float = 5.0) -> HttpSms:
        made.append(HttpSms(endpoint.url, token_file, timeout=timeout))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def test_phone_and_code_are_posted_with_the_token(
    endpoint: Endpoint, sender: Callable[..., HttpSms], tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    await sender(str(token)).send("13800138000", "123456", "m1")
    assert endpoint.bodies == [{"phone": "13800138000", "code": "123456"}]
    assert endpoint.headers[0]["Authorization"] == "Bearer s3cret"


async def test_a_failing_service_is_asked_again_with_the_same_key(
    endpoint: Endpoint, sender: Callable[..., HttpSms]
) -> None:
    endpoint.statuses = [503, 429, 202]
    await sender().send("13800138000", "123456", "m1")
    assert [headers["Idempotency-Key"] for headers in endpoint.headers] == ["m1"] * 3


async def test_a_service_that_keeps_failing_is_given_up(endpoint: Endpoint, sender: Callable[..., HttpSms]) -> None:
    endpoint.statuses = [500]
    with pytest.raises(SmsError, match="answered 500; gave up after 3"):
        await sender().send("13800138000", "123456", "m1")


@pytest.mark.parametrize("status", [400, 401, 302])
async def test_a_refusal_is_final(endpoint: Endpoint, sender: Callable[..., HttpSms], status: int) -> None:
    endpoint.statuses = [status]
    with pytest.raises(SmsError, match=f"refused with {status}"):
        await sender().send("13800138000", "123456", "m1")
    assert len(endpoint.bodies) == 1


async def test_a_service_that_does_not_answer_is_given_up(endpoint: Endpoint, sender: Callable[..., HttpSms]) -> None:
    endpoint.delay = 5
    with pytest.raises(SmsError, match="did not answer"):
        await sender(timeout=0.05).send("13800138000", "123456", "m1")


async def test_an_unusable_address_is_named() -> None:
    sender = HttpSms("no url at all")
    with pytest.raises(SmsError, match="check smsUrl"):
        await sender.send("13800138000", "123456", "m1")
    await sender.close()


async def test_errors_name_neither_code_nor_number(endpoint: Endpoint, sender: Callable[..., HttpSms]) -> None:
    endpoint.statuses = [401]
    with pytest.raises(SmsError) as caught:
        await sender().send("13800138000", "123456", "m1")
    assert "123456" not in str(caught.value) and "13800138000" not in str(caught.value)


async def test_the_log_is_the_phone_of_a_local_system(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await LogSms().send("13800138000", "123456", "m1")
    assert "138****8000" in caplog.text and "123456" in caplog.text
