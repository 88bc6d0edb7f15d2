"""A release of a system in one process: for a while the old and the new process serve clients of the same people."""

from __future__ import annotations

import asyncio

from tests.testbed.client import Api, befriend, make_group
from tests.testbed.schema import CHAT_MESSAGE, text


async def test_clients_of_the_old_and_of_the_new_process_hear_everything_once(start_system):
    system = start_system()
    apis = [Api(system.host, *system.gateway_ports["all"])]
    one, other = await apis[0].register(), await apis[0].register()
    chat = await befriend(one, other)
    group = await make_group(one, other)
    early = [await apis[0].login(other.nickname) for _ in range(2)]
    devices = [await early[0].listen(), await early[1].connect()]

    system.add("all-2", "all")
    await asyncio.to_thread(system.wait_ready)
    apis.append(Api(system.host, *system.gateway_ports["all-2"]))
    late = [await apis[1].login(other.nickname) for _ in range(2)]
    devices += [await late[0].listen(), await late[1].connect()]
    senders = [await api.login(one.nickname) for api in apis]
    for number in range(20):
        await senders[number % 2].send(chat, text(f"{number}"))
    for device in devices[::2]:
        for number in range(20):
            heard = await device.notification(CHAT_MESSAGE)
            assert heard["new_message_info"]["message_info"]["message"]["string_message"]["content"] == f"{number}"
    for device in devices[1::2]:
        assert [(await device.message())["seq"] for _ in range(20)] == list(range(1, 21))

    # Who was logged out by one process is logged out at the other.
    await late[0].call("logout")
    assert (await devices[2].closing()).code == 1003

    await asyncio.to_thread(system.processes["all"].stop)
    assert (await devices[0].closing()).code == 1012
    assert (await devices[1].closing()).code == 1012
    await senders[1].send(group, text("alone again"))
    assert (await devices[3].message())["seq"] == 1
    for device in devices:
        assert [each for each in device.pending() if each.get("notify_type") == CHAT_MESSAGE] == []
    for api in apis:
        await api.close()
