"""Login sessions from outside: logout here and everywhere, change of password, what happens to open sockets."""

from __future__ import annotations

import asyncio

import pytest

from tests.testbed.client import PASSWORD, Api, Refused
from tests.testbed.schema import text
from tests.testbed.websocket import Closed


async def test_logout_ends_one_session_at_once_and_no_other(api: Api):
    one = await api.register()
    again = await api.login(one.nickname)
    device, other_device = await one.listen(), await again.connect()
    await one.call("logout")
    with pytest.raises(Refused):
        await one.call("get_user_info")
    assert (await device.closing()).code in (1003, 1008, 4001)
    await again.call("get_user_info")
    await other_device.ping()
    await other_device.close()


async def test_logout_everywhere_ends_every_session_and_socket(api: Api):
    one = await api.register()
    others = [await api.login(one.nickname) for _ in range(2)]
    devices = [await others[0].listen(), await others[1].connect()]
    await one.call("logout", everywhere=True)
    for device in devices:
        await device.closing()
    for person in (one, *others):
        with pytest.raises(Refused):
            await person.call("get_user_info")
    await api.login(one.nickname)


async def test_a_change_of_password_ends_other_sessions_and_the_old_password(api: Api):
    one = await api.register()
    again = await api.login(one.nickname)
    device = await again.connect()
    with pytest.raises(Refused):
        await one.call("change_password", old_password="wrong_12", new_password="new_secret_1")
    await again.call("get_user_info")
    await one.call("change_password", old_password=PASSWORD, new_password="new_secret_1")
    await device.closing()
    with pytest.raises(Refused):
        await again.call("get_user_info")
    with pytest.raises(Refused):
        await api.login(one.nickname, PASSWORD)
    await api.login(one.nickname, "new_secret_1")


async def test_a_revoked_session_opens_no_socket(api: Api):
    one = await api.register()
    await one.call("logout")
    device = await one.listen()
    assert (await device.closing()).code == 1003
    with pytest.raises(Closed):
        await one.connect()


async def test_a_socket_of_an_ended_session_sends_nothing_more(api: Api, pair):
    one, other, chat = pair
    device = await one.connect()
    await one.call("logout", everywhere=True)
    with pytest.raises(Closed):
        await device.send(chat, text("after the end"))
    assert await other.history(chat) == []


async def test_an_ended_session_stays_ended_after_a_restart(start_system):
    own = start_system()
    api = Api(own.host, own.http_port, own.websocket_port)
    one = await api.register()
    again = await api.login(one.nickname)
    await one.call("logout")
    own.processes["all"].stop()
    own.restart("all")
    await asyncio.to_thread(own.wait_ready)
    await api.close()
    with pytest.raises(Refused):
        await one.call("get_user_info")
    await again.call("get_user_info")
    await api.close()
