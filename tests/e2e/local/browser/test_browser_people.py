"""Accounts, friends, profiles and sessions, as people live them in the web client."""

from __future__ import annotations

from playwright.async_api import expect

from tests.testbed.browser import PASSWORD, Visitor, attached, chromium, png
from tests.testbed.client import Api, Person, befriend, new_name
from tests.testbed.system import System


async def test_two_strangers_register_find_each_other_and_talk(arrive) -> None:
    ann, bob = await arrive(), await arrive()
    ann_name, bob_name = new_name("Ann"), new_name("鲍勃")
    await ann.register(ann_name)
    await bob.register(bob_name)

    await ann.apply_to(bob_name, fragment=bob_name[1:6])
    await expect(bob.by("tab-contacts").locator(".badge")).to_have_text("1")
    await bob.answer(ann_name, agree=True)
    await expect(bob.by("friend")).to_have_count(1)

    await ann.open(bob_name)
    await bob.open(ann_name)
    await ann.send("你好，Bob!")
    await expect(bob.message("你好，Bob!")).to_be_visible()
    await bob.send("Hello back")
    await expect(ann.message("Hello back")).to_be_visible()
    await expect(ann.message("你好，Bob!")).to_have_attribute("data-state", "read")
    assert await ann.texts() == await bob.texts() == ["你好，Bob!", "Hello back"]

    await ann.page.reload()
    await ann.ready()
    await expect(ann.message("Hello back")).to_be_visible()
    assert await ann.texts() == ["你好，Bob!", "Hello back"]


async def test_a_wrong_password_and_a_taken_name_are_explained(arrive, api: Api) -> None:
    known = await api.register()
    visitor = await arrive()
    await visitor.fill_login(known.nickname, "not_this_1")
    await visitor.by("login-submit").click()
    await expect(visitor.by("login-error")).to_have_text("Wrong name or password.")
    await visitor.by("login-toggle").click()
    await visitor.fill_login(known.nickname)
    await visitor.by("login-repeat").fill("another_12")
    await visitor.by("login-submit").click()
    await expect(visitor.by("login-error")).to_have_text("The two passwords differ.")
    await visitor.by("login-repeat").fill(PASSWORD)
    await visitor.by("login-submit").click()
    await expect(visitor.by("login-error")).to_have_text("This name is taken.")


async def test_a_declined_request_makes_no_friends(arrive, api: Api) -> None:
    asking, asked = await api.register(), await api.register()
    visitor, other = await arrive(), await arrive()
    await visitor.adopt(asking.session_id)
    await other.adopt(asked.session_id)
    await visitor.apply_to(asked.nickname)
    await other.answer(asking.nickname, agree=False)
    await expect(other.by("application")).to_have_count(0)
    await expect(visitor.by("toast").filter(has_text="declined")).to_be_visible()
    await expect(visitor.by("friend")).to_have_count(0)


async def test_a_removed_friend_and_the_conversation_disappear_for_both(
    arrive, pair: tuple[Person, Person, str]
) -> None:
    one, other, _ = pair
    visitor, peer = await arrive(), await arrive()
    await visitor.adopt(one.session_id)
    await peer.adopt(other.session_id)
    await peer.open(one.nickname)
    await visitor.tab("contacts")
    await visitor.by("friend").filter(has_text=other.nickname).click()
    await visitor.by("person-remove").click()
    await visitor.confirm()
    await expect(visitor.by("friend")).to_have_count(0)
    await expect(peer.by("conversation")).to_have_count(0)
    await expect(peer.by("chat")).to_have_count(0)


async def test_a_new_name_and_picture_reach_friends_at_once(arrive, pair: tuple[Person, Person, str]) -> None:
    one, other, _ = pair
    visitor, peer = await arrive(), await arrive()
    await visitor.adopt(one.session_id)
    await peer.adopt(other.session_id)
    await visitor.tab("settings")
    name = new_name("新名")
    await visitor.by("profile-nickname").fill(name)
    await visitor.by("profile-description").fill("I sail <b>boats</b>")
    await visitor.by("profile-save").click()
    await expect(peer.conversation(name)).to_be_visible()
    await visitor.by("avatar-input").set_input_files(attached("me.png", png(40, 20, (200, 40, 40)), "image/png"))
    await expect(visitor.page.locator(".avatar-pick img")).to_be_visible()
    await expect(peer.conversation(name).locator(".avatar img")).to_be_visible()
    await peer.tab("contacts")
    await expect(peer.by("friend").locator(".row-text")).to_have_text("I sail <b>boats</b>")


async def test_a_changed_password_is_the_one_that_counts(arrive, api: Api) -> None:
    person = await api.register()
    visitor = await arrive()
    await visitor.login(person.nickname)
    await visitor.tab("settings")
    await visitor.by("change-password").click()
    for field, value in {"old": "wrong_old1", "fresh": "renewed_34", "repeat": "renewed_34"}.items():
        await visitor.by(f"password-{field}").fill(value)
    await visitor.by("password-save").click()
    await expect(visitor.by("toast").filter(has_text="current password is wrong")).to_be_visible()
    await visitor.by("password-old").fill(PASSWORD)
    await visitor.by("password-save").click()
    await expect(visitor.by("password-dialog")).to_have_count(0)
    await visitor.by("logout").click()
    await visitor.confirm()
    await visitor.fill_login(person.nickname)
    await visitor.by("login-submit").click()
    await expect(visitor.by("login-error")).to_have_text("Wrong name or password.")
    await visitor.login(person.nickname, "renewed_34")


async def test_logging_out_everywhere_ends_the_other_devices_too(arrive, api: Api) -> None:
    person = await api.register()
    phone, desk = await arrive(), await arrive()
    await phone.login(person.nickname)
    await desk.login(person.nickname)
    await desk.tab("settings")
    await desk.by("logout-everywhere").click()
    await desk.confirm()
    await expect(desk.by("login-form")).to_be_visible()
    await expect(phone.by("login-error")).to_have_text("Your session has ended. Please log in again.")
    await phone.page.reload()
    await expect(phone.by("login-form")).to_be_visible()


async def test_without_staying_logged_in_the_session_ends_with_the_tab(arrive, api: Api) -> None:
    person = await api.register()
    visitor = await arrive()
    await visitor.by("login-stay").uncheck()
    await visitor.login(person.nickname)
    await visitor.page.reload()
    await visitor.ready()
    another = await visitor.context.new_page()
    await another.goto(visitor.origin)
    await expect(another.get_by_test_id("login-form")).to_be_visible()


async def test_the_language_is_the_browsers_until_another_is_chosen(arrive, api: Api) -> None:
    person = await api.register()
    visitor = await arrive(locale="zh-CN")
    await expect(visitor.by("login-submit")).to_have_text("登录")
    await visitor.adopt(person.session_id)
    await visitor.tab("settings")
    await expect(visitor.by("logout")).to_have_text("退出登录")
    await visitor.by("setting-language").select_option("en")
    await expect(visitor.by("logout")).to_have_text("Log out")
    await visitor.page.reload()
    await visitor.ready()
    await expect(visitor.by("logout")).to_have_text("Log out")


async def test_an_address_that_leads_nowhere_shows_the_list(arrive, api: Api) -> None:
    person = await api.register()
    visitor = await arrive()
    await visitor.adopt(person.session_id)
    for address in ("#/chats/c/%E0%A4%A", "#/nowhere", "#/chats/c/unknown/9", "#/__proto__/c/<b>"):
        await visitor.page.evaluate("address => { location.hash = address; }", address)
        await visitor.page.reload()
        await visitor.ready()
        await expect(visitor.by("chat")).to_have_count(0)
        await expect(visitor.by("conversation-list")).to_have_count(1)


async def test_on_a_phone_one_column_is_shown_at_a_time(arrive, api: Api) -> None:
    one, other = await api.register(), await api.register()
    await befriend(one, other)
    visitor = await arrive(viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True)
    await visitor.adopt(one.session_id)
    await expect(visitor.by("tab-chats")).to_be_visible()
    await visitor.open(other.nickname)
    await expect(visitor.by("tab-chats")).to_be_hidden()
    await visitor.by("composer").fill("from the phone")
    await visitor.by("send").tap()
    await expect(visitor.message("from the phone")).to_have_attribute("data-state", "sent")
    await visitor.by("back").tap()
    await expect(visitor.conversation(other.nickname)).to_be_visible()
    wide = await visitor.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 375


NAMELESS = """() => [...document.querySelectorAll("button, a, input, select, textarea, [role=log], dialog, img")]
  .filter((each) => each.checkVisibility() && !(each.getAttribute("aria-label") || each.textContent.trim() || each.labels?.length
    || each.getAttribute("alt") !== null))
  .map((each) => each.outerHTML)"""


async def test_everything_one_can_use_has_a_name_and_the_keyboard_is_enough(
    arrive, pair: tuple[Person, Person, str]
) -> None:
    one, other, _ = pair
    visitor = await arrive()
    assert await visitor.page.evaluate(NAMELESS) == []
    await visitor.by("login-nickname").focus()
    for key in (one.nickname, "Tab", PASSWORD, "Enter"):
        await (visitor.page.keyboard.press(key) if key in {"Tab", "Enter"} else visitor.page.keyboard.type(key))
    await visitor.ready()
    await visitor.conversation(other.nickname).focus()
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.by("composer")).to_be_focused()
    await visitor.page.keyboard.type("typed")
    await visitor.page.keyboard.press("Shift+Enter")
    await visitor.page.keyboard.type("on two lines")
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.by("text")).to_have_text("typed\non two lines")
    for tab in ("contacts", "search", "settings", "chats"):
        await visitor.tab(tab)
        assert await visitor.page.evaluate(NAMELESS) == []
    await visitor.by("new-group").click()
    assert await visitor.page.evaluate(NAMELESS) == []
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.by("group-new")).to_have_count(0)


async def test_without_tls_on_another_host_everything_but_the_microphone_works(
    system: System, pair: tuple[Person, Person, str]
) -> None:
    one, other, _ = pair
    async with chromium("--host-resolver-rules=MAP chat.test 127.0.0.1") as browser:
        visitor = await Visitor.arrive(browser, f"http://chat.test:{system.http_port}", permissions=[])
        assert await visitor.page.evaluate("isSecureContext") is False
        await visitor.login(one.nickname)
        await visitor.open(other.nickname)
        await visitor.send("plain HTTP")
        await expect(visitor.message("plain HTTP")).to_have_attribute("data-state", "sent")
        async with visitor.page.expect_file_chooser() as waiting:
            await visitor.by("record").click()
        sound = await visitor.page.evaluate(
            "async () => [...(await import('/js/media.js')).toWav(new Uint8Array(32000).fill(3))]"
        )
        await (await waiting.value).set_files(attached("note.wav", bytes(sound), "audio/wav"))
        await expect(visitor.by("voice")).to_be_visible()
        await expect(visitor.page.locator("[data-state=sent]")).to_have_count(2)
        assert visitor.problems == []
