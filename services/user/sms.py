"""Text messages: the port and its two adapters, the log for local use and a generic HTTP endpoint."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Protocol

import aiohttp

log = logging.getLogger(__name__)

_TIMEOUT = 5.0
_ATTEMPTS = 3
_FIRST_PAUSE = 0.2
_SERVER_ERROR = 500
_TOO_MANY = 429
_REDIRECT = 300


class SmsError(Exception):
    """The message was not handed over; the text says why, without the code and the whole number."""


class SmsSender(Protocol):
    async def send(self, phone: str, code: str, message_id: str) -> None:
        """Raises SmsError. `message_id` is the same when a message is sent again."""
        ...

    async def close(self) -> None: ...


class LogSms:
    """Writes the code to the log, which on a laptop is the phone."""

    async def send(self, phone: str, code: str, message_id: str) -> None:
        log.warning("no text message service is set up (smsUrl): the code for %s is %s", mask(phone), code)

    async def close(self) -> None:
        return None


class HttpSms:
    """POSTs {"phone", "code"} as JSON. Any 2xx answer counts as sent; a connection error, 429 or 5xx is tried again with the
    same Idempotency-Key, three times in all; anything else is final."""

    def __init__(self, url: str, token_file: str = "", *, timeout: float = _TIMEOUT) -> None:
        self._url = url
        self._token_file = token_file
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._http: aiohttp.ClientSession | None = None

    async def send(self, phone: str, code: str, message_id: str) -> None:
        headers = {"Idempotency-Key": message_id}
        if self._token_file:
            headers["Authorization"] = f"Bearer {self._token()}"
        problem = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_FIRST_PAUSE * 2 ** (attempt - 1))
            problem = await self._post({"phone": phone, "code": code}, headers)
            if not problem:
                return
        raise SmsError(f"{problem}; gave up after {_ATTEMPTS} attempts (check smsUrl and the service behind it)")

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def _post(self, body: dict[str, str], headers: dict[str, str]) -> str:
        """What went wrong and may go right next time, or "". Raises SmsError for what stays wrong."""
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._http.post(self._url, json=body, headers=headers, allow_redirects=False) as answer:
                status = answer.status
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            return f"the text message service did not answer ({type(error).__name__})"
        except (aiohttp.ClientError, ValueError) as error:
            raise SmsError(
                f"the text message service cannot be asked ({type(error).__name__}): check smsUrl"
            ) from error
        if status < _REDIRECT:
            return ""
        if status >= _SERVER_ERROR or status == _TOO_MANY:
            return f"the text message service answered {status}"
        raise SmsError(f"the text message service refused with {status}: check smsUrl and the token in smsTokenFile")

    def _token(self) -> str:
        # Read for every message: the secret may be rotated while the service runs.
        try:
            return Path(self._token_file).read_text().strip()
        except OSError as error:
            raise SmsError(f"the token file {self._token_file} cannot be read: {error.strerror}") from error


def mask(phone: str) -> str:
    """13800138000 as 138****8000."""
    return f"{phone[:3]}****{phone[-4:]}"
