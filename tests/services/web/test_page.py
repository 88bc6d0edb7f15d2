"""What holds for the client's files as a whole: words, policy, sound and back-off."""

from __future__ import annotations

import itertools
import re
import struct

import pytest
from playwright.async_api import Page

from tests.services.web.conftest import STATIC

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRIPTS = sorted((STATIC / "js").rglob("*.js"))


async def test_every_word_exists_in_every_language(page: Page) -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS if "words" not in path.parts)
    used = set(re.findall(r"\bt\(\s*\"(\w+)\"", source))
    words = await page.evaluate(
        """async () => { const { EN } = await import("/js/words/en.js"); const { ZH } = await import("/js/words/zh.js");
        return [Object.keys(EN), Object.keys(ZH)]; }"""
    )
    english, chinese = (set(each) for each in words)
    assert used <= english
    assert {each for each in english if not each.endswith("_one")} == chinese


async def test_every_module_loads(page: Page) -> None:
    names = [f"/js/{path.relative_to(STATIC / 'js')}" for path in SCRIPTS]
    names.remove("/js/recorder-worklet.js")  # runs only beside a page
    failed = await page.evaluate(
        "async (names) => (await Promise.allSettled(names.map((name) => import(name))))"
        ".flatMap((each, at) => each.status === 'rejected' ? [`${names[at]}: ${each.reason}`] : [])",
        names,
    )
    assert failed == []


async def test_no_module_makes_html_or_code_of_text() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|createContextualFragment|javascript:"
    )
    assert [path.name for path in SCRIPTS if forbidden.search(path.read_text(encoding="utf-8"))] == []


async def test_the_page_has_no_inline_code_and_nothing_from_elsewhere() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|style=|\son\w+=|https?://|<script(?![^>]*\bsrc=)", page)
    for sheet in (STATIC / "style").glob("*.css"):
        assert not re.search(r"url\(|@import", sheet.read_text(encoding="utf-8"))


async def test_the_page_breaks_no_policy(page: Page) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.reload()
    await page.get_by_test_id("login-form").wait_for()
    assert problems == []


async def test_the_login_page_speaks_the_language_that_is_chosen(page: Page) -> None:
    await page.get_by_test_id("language-zh").click()
    assert await page.get_by_test_id("login-submit").inner_text() == "登录"
    assert await page.locator("html").get_attribute("lang") == "zh"
    await page.get_by_test_id("language-en").click()
    assert await page.get_by_test_id("login-submit").inner_text() == "Log in"


async def test_sound_becomes_16_khz_pcm_and_a_playable_file(page: Page) -> None:
    pcm, wav, seconds = await page.evaluate(
        """async () => {
          const { resample, toPcm, toWav, voiceLength } = await import("/js/media.js");
          const samples = Float32Array.from({ length: 48000 }, (_, i) => Math.sin((i / 48000) * 2 * Math.PI * 440));
          const pcm = toPcm(resample(samples, 48000, 16000));
          const wav = toWav(pcm);
          const context = new OfflineAudioContext(1, 1, 16000);
          const buffer = await context.decodeAudioData(wav.slice().buffer);
          return [[...pcm.slice(0, 4000)], [...wav.slice(0, 44)], [voiceLength(pcm.length), buffer.duration]];
        }"""
    )
    assert seconds == [1.0, 1.0]
    assert bytes(wav[:4]) == b"RIFF"
    assert struct.unpack_from("<I", bytes(wav), 24) == (16000,)
    values = struct.unpack("<2000h", bytes(pcm))
    crossings = sum(1 for before, after in itertools.pairwise(values) if before < 0 <= after)
    assert crossings == pytest.approx(440 * 2000 / 16000, abs=1)


async def test_waiting_times_double_up_to_a_cap_with_jitter_below(page: Page) -> None:
    low, high = await page.evaluate(
        """async () => {
          const { Backoff } = await import("/js/backoff.js");
          const steps = (random) => { const b = new Backoff({ first: 100, cap: 1000, random }); return Array.from({ length: 6 }, () => b.next()); };
          return [steps(() => 0), steps(() => 1)];
        }"""
    )
    assert low == [50, 100, 200, 400, 500, 500]
    assert high == [100, 200, 400, 800, 1000, 1000]


async def test_only_bytes_of_a_picture_are_taken_for_a_picture(page: Page) -> None:
    kinds = await page.evaluate(
        """async () => {
          const { pictureType } = await import("/js/media.js");
          const of = (text) => pictureType(Uint8Array.from(text, (c) => c.charCodeAt(0)));
          return [of("\\x89PNG\\r\\n"), of("GIF89a"), of("RIFF0000WEBPVP8 "), of("<svg xmlns='http://www.w3.org/2000/svg'>"), of("<html>"), of("")];
        }"""
    )
    assert kinds == ["image/png", "image/gif", "image/webp", "", "", ""]


async def test_search_marks_every_occurrence_and_addresses_become_links(page: Page) -> None:
    found = await page.evaluate(
        """async () => {
          const { h, highlighted, linked } = await import("/js/dom.js");
          const marked = h("p", {}, highlighted("Tea, tea and <b>TEA</b>", "tea"));
          const link = h("p", {}, linked("see https://example.org/a?b=c, or javascript:alert(1) <img src=x>"));
          return [[...marked.querySelectorAll("mark")].map((e) => e.textContent), marked.textContent, [...link.querySelectorAll("a")].map((e) => e.href), link.children.length];
        }"""
    )
    assert found == [["Tea", "tea", "TEA"], "Tea, tea and <b>TEA</b>", ["https://example.org/a?b=c,"], 1]
