"""People at real browsers: a Chromium, and what somebody does with the web client in it."""

from __future__ import annotations

import asyncio
import shutil
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
PASSWORD = "secret_12"
PATIENCE = 20_000
"""Milliseconds that somebody waits for something to appear."""


def installed() -> str:
    """The browser's program."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert found, "no Chromium is installed: it is the Debian package chromium"
    return found


@asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Browser]:
    """A browser of the test's own; its pages fail the test on errors of a script or of the policy (see Visitor)."""
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=installed(), args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            await browser.close()


class Visitor:
    """Somebody at one device. `problems` collects errors of scripts and of the Content Security Policy."""

    def __init__(self, context: BrowserContext, page: Page, origin: str) -> None:
        self.context, self.page, self.origin = context, page, origin
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(f"{error}\n{error.stack}"))
        page.on("console", lambda each: self.problems.append(each.text) if "Security Policy" in each.text else None)

    @classmethod
    async def arrive(cls, browser: Browser, origin: str, **options: Any) -> Visitor:
        options = {
            "viewport": {"width": 1100, "height": 760},
            "locale": "en-GB",
            "permissions": ["microphone"],
        } | options
        context = await browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        visitor = cls(context, await context.new_page(), origin)
        await visitor.page.goto(origin)
        return visitor

    def by(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    async def fill_login(self, nickname: str, password: str = PASSWORD) -> None:
        await self.by("login-nickname").fill(nickname)
        await self.by("login-password").fill(password)

    async def register(self, nickname: str, password: str = PASSWORD) -> None:
        await self.by("login-toggle").click()
        await self.fill_login(nickname, password)
        await self.by("login-repeat").fill(password)
        await self.by("login-submit").click()
        await self.ready()

    async def login(self, nickname: str, password: str = PASSWORD) -> None:
        await self.fill_login(nickname, password)
        await self.by("login-submit").click()
        await self.ready()

    async def adopt(self, session_id: str) -> None:
        """Goes on with a login session that was made elsewhere."""
        await self.page.evaluate("id => localStorage.setItem('chatsystem.session', id)", session_id)
        await self.page.reload()
        await self.ready()

    async def ready(self) -> None:
        """Signed in and connected."""
        await expect(self.page.locator(".shell[data-connection=ready]")).to_be_visible()

    async def tab(self, name: str) -> None:
        await self.by(f"tab-{name}").click()

    def conversation(self, name: str) -> Locator:
        return self.by("conversation").filter(has=self.page.locator(".row-name", has_text=name))

    async def open(self, name: str) -> None:
        await self.tab("chats")
        await self.conversation(name).click()
        await expect(self.by("chat-title")).to_have_text(name)
        await expect(self.by("loading")).to_be_hidden()

    async def send(self, text: str) -> None:
        await self.by("composer").fill(text)
        await self.by("composer").press("Enter")

    def message(self, text: str) -> Locator:
        return self.by("message").filter(has=self.page.get_by_text(text, exact=True))

    async def texts(self) -> list[str]:
        """What the open conversation shows, from top to bottom."""
        return await self.by("messages").get_by_test_id("text").all_text_contents()

    async def unread(self, name: str) -> str:
        return await self.conversation(name).get_by_test_id("unread").inner_text()

    async def apply_to(self, nickname: str, fragment: str | None = None) -> None:
        await self.tab("contacts")
        await self.by("people-search").fill(fragment or nickname)
        found = self.by("person-found").filter(has_text=nickname)
        await found.get_by_test_id("apply").click()
        await expect(found.get_by_test_id("apply")).to_be_disabled()
        await self.by("people-search").fill("")

    async def answer(self, nickname: str, agree: bool) -> None:
        await self.tab("contacts")
        await self.by("application").filter(has_text=nickname).get_by_test_id("accept" if agree else "decline").click()

    async def confirm(self) -> None:
        await self.by("confirm-yes").click()


def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(colour) * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def attached(name: str, content: bytes, mime: str = "application/octet-stream") -> dict[str, Any]:
    """A file as Playwright puts it into a file input."""
    return {"name": name, "mimeType": mime, "buffer": content}


async def downloaded(visitor: Visitor, button: Locator) -> tuple[str, bytes]:
    """Name and content of what a click saves."""
    async with visitor.page.expect_download() as waiting:
        await button.click()
    download = await waiting.value
    content = await asyncio.to_thread(Path(await download.path()).read_bytes)
    return download.suggested_filename, content
