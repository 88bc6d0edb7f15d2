"""Groups in the web client: three people, and who is in."""

from __future__ import annotations

from playwright.async_api import expect

from tests.testbed.client import Api, befriend


async def test_three_people_make_a_group_change_it_and_part(arrive, api: Api) -> None:
    owner, second, third = await api.register(), await api.register(), await api.register()
    await befriend(owner, second)
    await befriend(owner, third)
    ann, bob, eve = await arrive(), await arrive(), await arrive()
    for visitor, person in ((ann, owner), (bob, second), (eve, third)):
        await visitor.adopt(person.session_id)

    await ann.by("new-group").click()
    await ann.by("group-name").fill("周末 <walkers>")
    await ann.by("chooser").locator(f"[data-name='{second.nickname}']").check()
    await ann.by("group-create").click()
    await expect(ann.by("chat-title")).to_have_text("周末 <walkers>")
    await bob.open("周末 <walkers>")
    await ann.send("welcome")
    await expect(bob.message("welcome").locator(".message-sender")).to_have_text(owner.nickname)
    await expect(eve.conversation("周末 <walkers>")).to_have_count(0)

    await ann.by("chat-info").click()
    await expect(ann.by("member")).to_have_count(2)
    await ann.by("group-add-open").click()
    await ann.by("group-add").locator(f"[data-name='{third.nickname}']").check()
    await ann.by("group-add-confirm").click()
    await expect(ann.by("member")).to_have_count(3)
    await eve.open("周末 <walkers>")
    await eve.send("thanks for having me")
    await expect(bob.message("thanks for having me")).to_be_visible()
    await expect(bob.page.locator(".chat-subtitle")).to_have_text("3 members")

    await ann.by("group-rename").fill("Sunday walkers")
    await ann.by("group-rename-save").click()
    for visitor in (ann, bob, eve):
        await expect(visitor.by("chat-title")).to_have_text("Sunday walkers")

    await ann.by("member").filter(has_text=third.nickname).get_by_test_id("member-remove").click()
    await ann.confirm()
    await expect(ann.by("member")).to_have_count(2)
    await expect(eve.by("toast").filter(has_text="no longer in")).to_be_visible()
    await expect(eve.conversation("Sunday walkers")).to_have_count(0)
    await expect(eve.by("chat")).to_have_count(0)

    await bob.by("chat-info").click()
    for owners_own in ("member-remove", "group-rename-save"):
        await expect(bob.by(owners_own)).to_have_count(0)
    await bob.by("group-leave").click()
    await bob.confirm()
    await expect(bob.conversation("Sunday walkers")).to_have_count(0)
    await expect(ann.by("member")).to_have_count(1)
