"""Calls: the same to a caller whether the service is in this process or in another one."""

import asyncio
import contextlib

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.protocol.file_pb2 import GetSingleFileReq, GetSingleFileRsp, PutSingleFileRsp
from services.runtime.logs import request_id
from services.runtime.refusal import Refusal
from services.runtime.rpc import DESCRIPTORS, Clients, Unavailable
from services.runtime.rpc_policy import IDEMPOTENT
from services.runtime.rpc_remote import RemoteServices
from services.runtime.rpc_server import RpcServer
from services.stores.ports import Instance, StoreError
from services.stores.redis_registry import RedisRegistry, Terms

SECRET = "a secret of the processes"


class Shelf:
    """A file service by hand that remembers its calls."""

    def __init__(self, name="one"):
        self.name = name
        self.calls = []
        self.gate = None

    async def get(self, request):
        self.calls.append((request.file_id, request_id.get()))
        match request.file_id:
            case "refused":
                raise Refusal("文件不存在")
            case "store away":
                raise StoreError("the disk is gone")
            case "broken":
                raise ZeroDivisionError
            case "slow":
                await asyncio.sleep(30)
            case "gated":
                await self.gate.wait()
        answer = GetSingleFileRsp(request_id=request.request_id, success=True)
        answer.file_data.file_id = self.name
        if request.file_id == "large":
            answer.file_data.file_content = b"x" * (61 * 2**20)
        return answer

    async def other(self, request):
        self.calls.append(("other", ""))
        if self.gate:
            await self.gate.wait()
        return PutSingleFileRsp(success=True)

    @property
    def handlers(self):
        names = [method.name for method in DESCRIPTORS["file"].methods]
        return {**dict.fromkeys(names, self.other), "GetSingleFile": self.get}


def get(clients, file_id="f", **options):
    return clients.call("file", "GetSingleFile", GetSingleFileReq(request_id="r", file_id=file_id), **options)


@pytest.fixture
async def near():
    clients = Clients()
    clients.host("file", Shelf().handlers)
    return clients


class Network:
    """Replicas of the file service, and callers that find them through the registry."""

    def __init__(self, valkey, prefix):
        self._valkey = valkey
        self._prefix = prefix
        self._cleanup = contextlib.AsyncExitStack()

    def registry(self):
        terms = Terms(ttl=2.0, renew=0.5, poll=0.2)
        registry = RedisRegistry(self._valkey.url, self._valkey.access, prefix=self._prefix, terms=terms)
        self._cleanup.push_async_callback(registry.close)
        return registry

    async def replica(self, name="one", secret=SECRET):
        shelf, clients = Shelf(name), Clients()
        clients.host("file", shelf.handlers)
        server = RpcServer(secret, {"file": clients.hosted("file")})
        (port,) = await server.start("127.0.0.1", [0])
        self._cleanup.push_async_callback(server.stop, 0)
        registry = self.registry()
        instance = Instance("file", name, f"127.0.0.1:{port}")
        await registry.register(instance)
        return shelf, server, registry, instance

    async def caller(self):
        remote = RemoteServices(self.registry(), SECRET)
        self._cleanup.push_async_callback(remote.close)
        await remote.start()
        return Clients(remote.call)

    async def close(self):
        await self._cleanup.aclose()


@pytest.fixture
async def network(valkey, tmp_path):
    network = Network(valkey, f"{tmp_path}:")
    yield network
    await network.close()


@pytest.fixture(params=["near", "far"])
async def clients(request, near, network):
    if request.param == "near":
        return near
    await network.replica()
    return await network.caller()


async def test_a_call_is_answered(clients):
    answer = await get(clients)
    assert (answer.success, answer.request_id, answer.file_data.file_id) == (True, "r", "one")


async def test_a_refusal_is_an_answer_with_its_reason(clients):
    answer = await get(clients, "refused")
    assert (answer.success, answer.errmsg, answer.request_id) == (False, "文件不存在", "r")


async def test_a_service_whose_store_is_away_is_unavailable(clients):
    with pytest.raises(Unavailable, match="file"):
        await get(clients, "store away")


async def test_a_service_that_nobody_hosts_is_unavailable_and_named(clients):
    with pytest.raises(Unavailable, match="service user"):
        await clients.call("user", "GetUserInfo", GetSingleFileReq())


async def test_a_file_of_the_largest_size_passes(clients):
    assert len((await get(clients, "large")).file_data.file_content) == 61 * 2**20


async def test_a_handler_that_breaks_fails_its_call_only(network):
    await network.replica()
    caller = await network.caller()
    with pytest.raises(Unavailable, match="INTERNAL"):
        await get(caller, "broken")
    assert (await get(caller)).success


async def test_a_call_ends_at_its_deadline(network):
    await network.replica()
    with pytest.raises(Unavailable, match="in time"):
        await get(await network.caller(), "slow", timeout=0.2)


async def test_the_request_id_goes_along(network):
    shelf, *_ = await network.replica()
    caller = await network.caller()
    for sent, arrived in (("r-1", "r-1"), ("会\n", ""), ("x" * 100_000, "")):
        token = request_id.set(sent)
        await get(caller)
        request_id.reset(token)
        assert shelf.calls[-1] == ("f", arrived)


async def test_a_caller_without_the_secret_is_refused(network):
    shelf, *_ = await network.replica(secret="another secret of others")
    with pytest.raises(Unavailable, match="CHATSYSTEM_RPC_SECRET_FILE") as caught:
        await get(await network.caller())
    assert shelf.calls == []
    assert SECRET not in str(caught.value)


async def test_calls_go_round_the_replicas(network):
    await network.replica("one")
    await network.replica("two")
    caller = await network.caller()
    for _ in range(5):  # until both connections stand
        await get(caller)
    names = [(await get(caller)).file_data.file_id for _ in range(20)]
    assert names.count("one") == names.count("two") == 10


async def test_calls_go_on_with_the_other_replica_when_one_is_killed(network):
    _, server, _, _ = await network.replica("one")
    await network.replica("two")
    caller = await network.caller()
    await get(caller)
    await server.stop(0)  # still in the registry, like a process that was killed
    names = {(await get(caller)).file_data.file_id for _ in range(20)}
    assert names == {"two"}


async def test_an_idempotent_call_in_the_hands_of_a_killed_replica_is_tried_on_another(network):
    dying, server, _, _ = await network.replica("one")
    other, *_ = await network.replica("two")
    dying.gate, other.gate = asyncio.Event(), asyncio.Event()
    other.gate.set()
    caller = await network.caller()
    for _ in range(5):
        await get(caller)
    calls = [asyncio.create_task(get(caller, "gated")) for _ in range(4)]
    async with asyncio.timeout(5):
        while [name for name, _ in dying.calls].count("gated") < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await server.stop(0)
    assert {(await call).file_data.file_id for call in calls} == {"two"}


async def test_any_other_call_in_the_hands_of_a_killed_replica_is_not_repeated(network):
    dying, server, _, _ = await network.replica("one")
    caller = await network.caller()
    await get(caller)
    other, *_ = await network.replica("two")
    dying.gate = other.gate = asyncio.Event()
    calls = [
        asyncio.create_task(caller.call("file", "PutSingleFile", GetSingleFileReq(request_id="r"))) for _ in range(2)
    ]
    async with asyncio.timeout(5):
        while not dying.calls.count(("other", "")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    before = len(dying.calls) + len(other.calls)
    await server.stop(0)
    other.gate.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert any(isinstance(result, Unavailable) for result in results)
    assert len(dying.calls) + len(other.calls) == before


async def test_no_call_fails_while_a_replica_leaves(network):
    _, server, registry, instance = await network.replica("one")
    await network.replica("two")
    caller = await network.caller()
    stop = False
    failures = []

    async def call_on():
        while not stop:
            try:
                await get(caller)
            except Unavailable as error:
                failures.append(error)

    callers = [asyncio.create_task(call_on()) for _ in range(4)]
    await asyncio.sleep(0.2)
    await registry.deregister(instance)
    await server.leave()
    await asyncio.sleep(0.3)
    await server.stop(5)
    await asyncio.sleep(0.2)
    stop = True
    await asyncio.gather(*callers)
    assert failures == []


async def test_a_replica_that_comes_later_is_found(network):
    caller = await network.caller()
    with pytest.raises(Unavailable):
        await get(caller)
    await network.replica("late")
    async with asyncio.timeout(5):
        while True:
            with contextlib.suppress(Unavailable):
                assert (await get(caller)).file_data.file_id == "late"
                return
            await asyncio.sleep(0.02)


async def test_the_health_service_tells_serving_and_leaving(network):
    _, server, _, instance = await network.replica()
    async with grpc.aio.insecure_channel(instance.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service="chen_im.FileService")
        assert (await stub.Check(request)).status == health_pb2.HealthCheckResponse.SERVING
        await server.leave()
        assert (await stub.Check(request)).status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_taken_port_is_an_error(network):
    _, _, _, instance = await network.replica()
    with pytest.raises(OSError, match=instance.address):
        await RpcServer(SECRET, {}).start("127.0.0.1", [int(instance.address.split(":")[1])])


def test_nothing_that_changes_state_twice_is_called_idempotent():
    careful = {("transmit", "Send"), ("user", "UserRegister"), ("friend", "FriendAdd"), ("user", "GetPhoneVerifyCode")}
    assert careful.isdisjoint(IDEMPOTENT)
    assert {("user", "ValidateSession"), ("store", "GetHistoryMsg"), ("friend", "FriendSearch")} <= IDEMPOTENT
