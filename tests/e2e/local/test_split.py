"""Seven processes, some of them twice: one system to its clients."""

from __future__ import annotations

import asyncio
import signal
import socket

import grpc
import pytest

from services.protocol import user_pb2
from tests.testbed.client import Api, befriend, make_group
from tests.testbed.schema import CHAT_MESSAGE, attachment, text
from tests.testbed.system import System
from tests.testbed.traffic import Traffic

defect = pytest.mark.defect


@pytest.fixture(scope="module")
def doubled(tmp_path_factory):
    """Two gateways, two file services, two transmit services."""
    replicas = {"gateway": 2, "file": 2, "transmit": 2}
    one = System(tmp_path_factory.mktemp("doubled"), split=True, replicas=replicas)
    yield one.start()
    one.stop()
    one.assert_clean()


@pytest.fixture
async def both(doubled: System):
    """The operations of either gateway."""
    apis = [Api(doubled.host, *ports) for ports in doubled.gateway_ports.values()]
    yield apis
    for api in apis:
        await api.close()


def command(system: System, line: str) -> None:
    """One command to Valkey as an administrator."""
    with socket.create_connection(("127.0.0.1", system.valkey.port), timeout=5) as connection:
        connection.sendall(f"AUTH {system.valkey.password_file.read_text()}\r\n{line}\r\n".encode())
        connection.recv(4096)


@defect("C1")
async def test_a_message_reaches_devices_at_every_gateway_once(both):
    first, second = both
    one, other = await first.register(), await second.register()
    chat = await befriend(one, other)
    devices = []
    for api in both:
        session = await api.login(other.nickname)
        devices += [await session.listen(), await session.connect()]
    await asyncio.sleep(0.3)
    await one.send(chat, text("everywhere"))
    for device in devices[::2]:
        await device.notification(CHAT_MESSAGE)
    for device in devices[1::2]:
        await device.message()
    await asyncio.sleep(0.2)
    for device in devices:
        assert device.pending() == []
        await device.close()


@defect("C1")
async def test_a_gateway_that_starts_disturbs_nobody(both, doubled: System):
    first, _ = both
    one, other = await first.register(), await first.register()
    chat = await befriend(one, other)
    device = await other.listen()
    doubled.processes["gateway-2"].stop()
    doubled.restart("gateway-2")
    await asyncio.to_thread(doubled.wait_ready)
    await one.send(chat, text("undisturbed"))
    await device.notification(CHAT_MESSAGE)
    await device.close()


async def test_a_logout_closes_sockets_at_every_gateway(both):
    first, second = both
    one = await first.register()
    there = await second.login(one.nickname)
    device = await there.connect()
    await there.call("get_user_info")
    await one.call("logout", everywhere=True)
    await device.closing()
    reply = await there.exchange("get_user_info")
    assert reply.fields["success"] is False


@defect("C14")
async def test_every_replica_of_the_file_service_has_every_file(both):
    first, _ = both
    one = await first.register()
    ids = [
        (await one.call("put_single_file", file_data={"file_name": "f", "file_content": b"%d" % number}))["file_info"][
            "file_id"
        ]
        for number in range(8)
    ]
    for _ in range(3):
        for number, file_id in enumerate(ids):
            answer = await one.call("get_single_file", file_id=file_id)
            assert answer["file_data"]["file_content"] == b"%d" % number


@defect("C6")
async def test_two_replicas_of_transmit_number_one_conversation_without_gaps(both):
    first, second = both
    people = [await first.register(), await second.register(), await first.register()]
    for person in people[1:]:
        await befriend(people[0], person)
    group = await make_group(*people)
    devices = [await person.connect() for person in people]
    acks = await asyncio.gather(*(device.send(group, text(f"{number}")) for number in range(30) for device in devices))
    assert sorted(ack["seq"] for ack in acks) == list(range(1, 91))
    for device in devices:
        await device.close()


@defect("C15", "D3")
async def test_services_find_each_other_again_after_the_registry_forgot_everything(doubled: System, both):
    first, _ = both
    traffic = Traffic(first)
    await traffic.begin()
    await traffic.flow(50)
    await asyncio.to_thread(command, doubled, "FLUSHALL")
    await asyncio.sleep(1.0)
    await traffic.flow(50)
    await asyncio.to_thread(doubled.wait_ready)
    assert await traffic.end() == []


@pytest.mark.parametrize("service", ["transmit", "file"])
async def test_a_rolling_restart_of_a_doubled_service_fails_no_request(doubled: System, both, service: str):
    first, _ = both
    traffic = Traffic(first)
    await traffic.begin()
    await traffic.flow(50)
    for name in (service, f"{service}-2"):
        doubled.processes[name].signal(signal.SIGTERM)
        assert await asyncio.to_thread(doubled.processes[name].wait, 20.0) == 0
        doubled.restart(name)
        await asyncio.to_thread(doubled.wait_ready)
        await traffic.flow(50)
    assert await traffic.end() == []
    assert [setback for member in traffic.members for setback in member.setbacks] == []


async def test_a_call_from_outside_the_system_is_not_answered(doubled: System):
    """The ports of the services ask for the system's secret."""
    port = doubled._environment["CHATSYSTEM_USER_PORT"]
    request = user_pb2.GetMultiUserInfoReq(request_id="x", users_id=["x"], with_private=True)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/chen_im.UserService/GetMultiUserInfo")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(request.SerializeToString(), timeout=5)
    assert refused.value.code() in (
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
    )


async def test_large_files_pass_between_processes(both):
    first, _ = both
    one, other = await first.register(), await first.register()
    chat = await befriend(one, other)
    content = bytes(range(256)) * (40 * 2**12)
    await one.api.exchange(
        "new_message",
        session_id=one.session_id,
        chat_session_id=chat,
        message=attachment("big", content),
        timeout=60,
    )
    (message,) = await other.history(chat)
    file_id = message["message"]["file_message"]["file_id"]
    reply = await other.exchange("get_single_file", file_id=file_id, timeout=60)
    assert reply.fields["file_data"]["file_content"] == content
