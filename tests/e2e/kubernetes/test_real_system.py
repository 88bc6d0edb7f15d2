"""A whole system of real pods with its five stores managed: people talk through its Service while parts of it go and come back."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.testbed.client import Api, Person, Refused, befriend
from tests.testbed.http import Disconnected
from tests.testbed.kubernetes.cluster import AnyCluster
from tests.testbed.kubernetes.real_system import STORES, RealSystem
from tests.testbed.process import wait_for
from tests.testbed.schema import attachment, text
from tests.testbed.websocket import Closed

SECONDS = 240.0
pytestmark = pytest.mark.timeout(1200, func_only=True)


@pytest.fixture(scope="module")
def system(cluster: AnyCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSystem]:
    """One that tests share. In its namespace only pods of the restricted standard are allowed."""
    namespace = f"real-{uuid.uuid4().hex[:8]}"
    cluster.kubectl("create", "namespace", namespace)
    cluster.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    one = RealSystem(cluster, namespace, tmp_path_factory.mktemp("real"))
    one.controller.start()
    try:
        one.apply()
        one.wait()
        yield one
    finally:
        one.controller.stop()
        cluster.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
async def api(system: RealSystem) -> AsyncIterator[Api]:
    client = system.api()
    yield client
    await client.close()


@pytest.fixture
async def pair(api: Api) -> tuple[Person, Person, str]:
    """Two friends, and the id of their conversation. On a busy machine a replica may be away from the Service for a moment, because it
    was slow to say that it is ready."""
    made: list[tuple[Person, Person, str]] = []

    async def make() -> bool:
        one, other = await api.register(), await api.register()
        made.append((one, other, await befriend(one, other)))
        return True

    await until(make, "two people are friends")
    return made[-1]


def said(messages: list[dict]) -> list[str]:
    return [message["message"]["string_message"]["content"] for message in messages]


def new_message(event: dict) -> dict:
    return event["notify"]["new_message_info"]["message_info"]


async def sent(person: Person, chat: str, content: str) -> bool:
    """May be repeated: it is one message."""
    await person.send(chat, text(content), request_id=f"sent {content}")
    return True


async def until(ask, what: str) -> None:
    """Asks until the answer is true; being refused or cut off is not."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                if await ask():
                    return
            except (Refused, Disconnected, OSError, TimeoutError, AssertionError, Closed):
                pass
            await asyncio.sleep(0.5)


async def test_it_is_ready_and_there_is_nothing_left_to_do(system: RealSystem) -> None:
    async def quiet() -> bool:
        status = json.loads(system.done("status", system.name, "--output", "json"))
        conditions = {each["type"]: each["status"] for each in status["status"]["conditions"]}
        steps = json.loads(system.done("plan", system.name, "--output", "json"))["steps"]
        return conditions["Ready"] == "True" and steps == []

    await until(quiet, "it is ready and the plan is empty")
    for store in STORES:
        assert len(system.pods(store)) == 1


async def test_a_message_is_pushed_kept_and_found(pair: tuple[Person, Person, str]) -> None:
    one, other, chat = pair

    written: list[str] = []

    async def pushed() -> bool:
        # Another text each time: what was taken once is not pushed again.
        written.append(f"群里的第{len(written)}句话")
        sending, listening = await one.connect(), await other.connect()
        try:
            ack = await sending.send(chat, text(written[-1]))
            event = await listening.message(timeout=30.0)
        finally:
            for device in (sending, listening):
                await device.close()
        return bool(ack["success"]) and new_message(event)["message_id"] == ack["message_id"]

    async def kept() -> bool:
        return said(await other.history(chat))[-2:] == [written[-1], "over HTTP"]

    async def found() -> bool:
        answer = await other.call("search_history", search_key=written[-1][2:], chat_session_id=chat)
        return said(answer["msg_list"]) == [written[-1]]

    await until(pushed, "a message is pushed")
    await until(lambda: sent(one, chat, "over HTTP"), "a message is sent over HTTP")
    await until(kept, "both are in the history, once")
    await until(found, "the index has it")


async def test_a_file_is_kept_on_the_volume(pair: tuple[Person, Person, str]) -> None:
    one, other, chat = pair
    content = bytes(range(256)) * 400

    async def kept() -> bool:
        await one.send(chat, attachment("notes.bin", content), request_id="file")
        (message,) = await other.history(chat)
        answer = await other.call("get_single_file", file_id=message["message"]["file_message"]["file_id"])
        return answer["file_data"]["file_content"] == content

    await until(kept, "the file is there as it was sent")


@pytest.mark.parametrize("component", ["gateway", "transmit", *STORES])
async def test_what_was_acknowledged_survives_the_end_of_a_pod(
    system: RealSystem, pair: tuple[Person, Person, str], component: str
) -> None:
    one, other, chat = pair
    await until(lambda: sent(one, chat, "before"), "a message is taken")
    gone = system.pods(component)[0]
    uid = system.get("pod", gone)["metadata"]["uid"]
    system.kubectl("delete", "pod", gone, "--grace-period=0", "--force")
    await until(lambda: sent(one, chat, "after"), f"messages are taken without {gone}")
    await until(lambda: _is(other, chat, ["before", "after"]), "both are in the history, once")
    system.wait()
    assert uid not in {pod["metadata"]["uid"] for pod in system.get("pods")["items"]}


async def _is(person: Person, chat: str, expected: list[str]) -> bool:
    return said(await person.history(chat)) == expected


def test_secrets_are_in_secrets_and_nowhere_else(system: RealSystem) -> None:
    values = {
        base64.b64decode(value).decode()
        for secret in system.get("secrets")["items"]
        for name, value in secret["data"].items()
        if name != "username"
    }
    assert len(values) >= len(STORES)
    shown = system.kubectl(
        *("get", "pods,deployments,statefulsets,jobs,configmaps,services,chatsystems,controllerrevisions,events"),
        *("--output", "json"),
    )
    pods = system.kubectl("get", "pods", "--field-selector", "status.phase=Running", "--output", "name").split()
    logs = [system.kubectl("logs", pod) for pod in pods]
    # The image of etcd holds nothing but etcd, and that has no password.
    listed = [
        system.kubectl("exec", pod, "--", "sh", "-c", "cat /proc/[0-9]*/cmdline") for pod in pods if "-etcd-" not in pod
    ]
    for value in values:
        for place in (shown, system.controller.output(), *logs, *listed):
            assert value not in place


def test_a_volume_grows_with_its_declaration(system: RealSystem) -> None:
    system.spec["stores"]["mysql"]["managed"]["storage"] = "21Gi"
    system.apply()
    claim = f"pvc/{system.name}-data-mysql"
    system.kubectl("wait", "--for=jsonpath={.status.capacity.storage}=21Gi", claim, f"--timeout={SECONDS:.0f}s")
    system.wait()


def test_the_services_are_asked_by_a_pod_beside_them(system: RealSystem) -> None:
    assert list(json.loads(system.done("queue", "dead", system.name, "-o", "json"))) == ["deadLetters"]


async def test_what_people_wrote_stays_when_the_system_is_deleted_and_is_there_again(
    system: RealSystem, pair: tuple[Person, Person, str]
) -> None:
    one, _, chat = pair
    await until(lambda: sent(one, chat, "kept"), "a message is taken")
    system.done("delete", system.name, "--yes", "--timeout", f"{SECONDS:.0f}s")
    wait_for(lambda: not system.get("pods")["items"], SECONDS, "all pods are gone", pause=0.5)
    assert {claim["metadata"]["name"] for claim in system.get("pvc")["items"]} >= {f"{system.name}-data-mysql"}
    kinds = "services,deployments,statefulsets,configmaps,networkpolicies,serviceaccounts"
    assert not system.get(kinds, "--selector", f"app.kubernetes.io/instance={system.name}")["items"]
    system.apply()
    system.wait()
    api = system.api()

    async def there_again() -> bool:
        person = await api.login(one.nickname)
        return said(await person.history(chat)) == ["kept"]

    await until(there_again, "what was written is there")
    await api.close()
