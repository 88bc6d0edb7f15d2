"""Messages of every kind, unread counts, history and search in the web client."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import expect

from tests.testbed import speech
from tests.testbed.browser import attached, downloaded, png
from tests.testbed.client import Api, Person, befriend
from tests.testbed.system import System

HOSTILE = [
    "<img src=x onerror=\"document.body.dataset.broken='1'\">",
    "<script>document.body.dataset.broken='1'</script>",
    "javascript:alert(1) &lt;b&gt; {{7*7}} ${7*7}",
    "line one\n  line two\n\u202eright to left",
]


def text(content: str) -> dict[str, object]:
    return {"message_type": 0, "string_message": {"content": content}}


async def both(arrive, pair: tuple[Person, Person, str]):
    one, other, _ = pair
    visitor, peer = await arrive(), await arrive()
    await visitor.adopt(one.session_id)
    await peer.adopt(other.session_id)
    await visitor.open(other.nickname)
    await peer.open(one.nickname)
    return visitor, peer


async def test_a_picture_is_shown_on_both_sides_and_enlarged(arrive, pair) -> None:
    visitor, peer = await both(arrive, pair)
    await visitor.by("picture-input").set_input_files(attached("sea.png", png(64, 48, (20, 90, 160)), "image/png"))
    await expect(peer.by("picture-image")).to_be_visible()
    await expect(visitor.by("message")).to_have_attribute("data-state", "read")
    await peer.page.reload()
    await expect(peer.by("picture-image")).to_be_visible()
    assert await peer.by("picture-image").evaluate("each => [each.naturalWidth, each.naturalHeight]") == [64, 48]
    await peer.by("picture").click()
    await expect(peer.by("lightbox").locator("img")).to_be_visible()
    await peer.page.keyboard.press("Escape")
    await expect(peer.by("lightbox")).to_have_count(0)


async def test_a_file_arrives_with_its_name_and_every_byte(arrive, pair) -> None:
    visitor, peer = await both(arrive, pair)
    content = bytes(range(256)) * 3000
    await visitor.by("file-input").set_input_files(attached("报告 <1>.bin", content))
    await expect(visitor.by("message")).to_have_attribute("data-state", "read")
    name, received = await downloaded(peer, peer.by("file"))
    assert received == content
    assert name.startswith("报告") and name.endswith(".bin")
    await expect(peer.by("file").locator(".attachment-name")).to_have_text("报告 <1>.bin")


async def test_a_voice_message_is_recorded_and_played(arrive, pair) -> None:
    visitor, peer = await both(arrive, pair)
    await visitor.by("record").click()
    await expect(visitor.by("record-send")).to_be_visible()
    await asyncio.sleep(1.2)
    await visitor.by("record-send").click()
    await expect(visitor.by("message")).to_have_attribute("data-state", "read")
    await peer.by("voice-play").click()
    await expect(peer.page.locator(".bars .played").first).to_be_visible()
    length = await peer.page.locator(".voice-length").inner_text()
    assert length in {"0:01", "0:02"}
    one, _, conversation = pair
    (message,) = await one.history(conversation)
    assert message["message"]["speech_message"]["file_id"]


async def test_what_a_voice_message_says_appears_and_is_found(arrive, start_system, tmp_path: Path) -> None:
    settings = {"CHATSYSTEM_SPEECH_MODEL_PATH": str(await asyncio.to_thread(speech.model, tmp_path))}
    system: System = start_system(settings=settings | {"CHATSYSTEM_GATEWAY_DRAIN_WINDOW": "0s"})
    api = Api(system.host, system.http_port, system.websocket_port)
    one, other = await api.register(), await api.register()
    await befriend(one, other)
    await api.close()
    origin = f"http://{system.host}:{system.http_port}"
    visitor, peer = await arrive(origin), await arrive(origin)
    await visitor.adopt(one.session_id)
    await peer.adopt(other.session_id)
    await visitor.open(other.nickname)
    await peer.open(one.nickname)
    pcm = await asyncio.to_thread(speech.spoken, "안녕하세요", tmp_path)
    wav = await visitor.page.evaluate(
        "async (pcm) => [...(await import('/js/media.js')).toWav(Uint8Array.from(pcm))]", list(pcm)
    )
    await visitor.by("voice-input").set_input_files(attached("spoken.wav", bytes(wav), "audio/wav"))
    for device in (visitor, peer):
        await expect(device.by("transcript")).not_to_be_empty(timeout=30_000)
    words = await peer.by("transcript").inner_text()
    assert await visitor.by("transcript").inner_text() == words
    await peer.tab("search")
    await peer.by("message-search").fill(words[:2])
    await expect(peer.by("search-result").locator("mark").first).to_have_text(words[:2])


async def test_what_people_write_is_shown_as_text_and_nothing_else(arrive, pair) -> None:
    visitor, peer = await both(arrive, pair)
    for line in HOSTILE:
        await visitor.send(line)
    await expect(peer.by("message")).to_have_count(len(HOSTILE))
    assert await peer.texts() == await visitor.texts() == HOSTILE
    for each in (visitor, peer):
        assert await each.page.evaluate("document.body.dataset.broken ?? ''") == ""
        assert await each.by("messages").locator("img, script").count() == 0


async def test_unread_counts_grow_until_any_device_has_read(arrive, pair) -> None:
    one, other, conversation = pair
    phone, desk = await arrive(), await arrive()
    await phone.adopt(one.session_id)
    await desk.adopt(one.session_id)
    for number in range(3):
        await other.send(conversation, text(f"message {number}"))
    for device in (phone, desk):
        await expect(device.conversation(other.nickname).get_by_test_id("unread")).to_have_text("3")
        await expect(device.page).to_have_title("(3) ChatSystem")
    await desk.page.bring_to_front()
    await desk.open(other.nickname)
    await expect(desk.by("new-line")).to_be_visible()
    for device in (phone, desk):
        await expect(device.conversation(other.nickname).get_by_test_id("unread")).to_be_hidden()
    await phone.page.reload()
    await phone.ready()
    await expect(phone.conversation(other.nickname).get_by_test_id("unread")).to_be_hidden()


async def test_another_device_shows_what_this_one_sends(arrive, pair) -> None:
    one, other, _ = pair
    phone, desk = await arrive(), await arrive()
    for device in (phone, desk):
        await device.adopt(one.session_id)
        await device.open(other.nickname)
    await phone.send("from the phone")
    await expect(desk.message("from the phone")).to_be_visible()
    await desk.send("from the desk")
    await expect(phone.message("from the desk")).to_be_visible()
    assert await phone.texts() == await desk.texts() == ["from the phone", "from the desk"]


async def test_a_long_history_is_read_back_to_its_first_message(arrive, pair) -> None:
    one, other, conversation = pair
    total = 230
    for number in range(total):
        await other.send(conversation, text(f"n{number}"))
    visitor = await arrive()
    await visitor.adopt(one.session_id)
    await visitor.open(other.nickname)
    await expect(visitor.message(f"n{total - 1}")).to_be_in_viewport()
    scroller = visitor.page.locator(".scroller")
    for _ in range(40):
        await scroller.evaluate("each => { each.scrollTop = 0; }")
        if await visitor.message("n0").count():
            break
        await asyncio.sleep(0.1)
    assert await visitor.texts() == [f"n{number}" for number in range(total)]
    await visitor.by("to-newest").click()
    await expect(visitor.message(f"n{total - 1}")).to_be_in_viewport()


async def test_search_marks_what_was_looked_for_and_leads_to_the_message(arrive, pair) -> None:
    one, other, conversation = pair
    for number in range(150):
        await other.send(conversation, text("我们在湖边喝茶，Tea time" if number == 12 else f"n{number}"))
    visitor = await arrive()
    await visitor.adopt(one.session_id)
    await visitor.open(other.nickname)
    for key in ("喝茶", "tea"):
        await visitor.tab("search")
        await visitor.by("message-search").fill(key)
        await expect(visitor.by("search-result").locator("mark")).to_have_count(1)
    await expect(visitor.by("search-result").locator("mark")).to_have_text("Tea")
    await visitor.by("search-result").click()
    await expect(visitor.message("我们在湖边喝茶，Tea time")).to_be_in_viewport()
    await expect(visitor.by("to-newest")).to_be_visible()
    await other.send(conversation, text("live, far below"))
    await visitor.by("to-newest").click()
    await expect(visitor.message("live, far below")).to_be_in_viewport()
    await visitor.by("message-search").fill("does not occur")
    await expect(visitor.page.get_by_text("Nothing found")).to_be_visible()
