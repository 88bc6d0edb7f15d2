"""What a system tells of itself: its metrics are those of the reference, its traces go through all its processes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator

import pytest

from services.observation.reference import metrics
from tests.testbed.client import Api, befriend
from tests.testbed.otlp import OtlpReceiver, Seen
from tests.testbed.process import wait_for
from tests.testbed.schema import text, voice
from tests.testbed.system import System

SERVER = 2
SECRET = "nobody-else-may-read-this"


@pytest.fixture(scope="module")
def otlp() -> Iterator[OtlpReceiver]:
    receiver = OtlpReceiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, otlp: OtlpReceiver) -> Iterator[System]:
    """One process for each service, all of their traces kept."""
    settings = {"CHATSYSTEM_TRACING_ENDPOINT": otlp.url, "CHATSYSTEM_TRACING_RATIO": "1"}
    one = System(tmp_path_factory.mktemp("traced"), split=True, settings=settings)
    yield one.start()
    one.stop()
    one.assert_clean()


@pytest.fixture
async def traced_api(traced: System):
    api = Api(traced.host, traced.http_port, traced.websocket_port)
    yield api
    await api.close()


def families(page: str) -> dict[str, str]:
    """Name -> type of everything on a page of metrics."""
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", page, re.MULTILINE))


def values(page: str, name: str) -> dict[str, float]:
    """Labels as they stand there -> value."""
    return {labels: float(value) for labels, value in re.findall(rf"^{name}(\{{.*\}})? (\S+)$", page, re.MULTILINE)}


def pages(system: System) -> dict[str, str]:
    found = {}
    for process in system.processes:
        status, page = system.health(process, "/metrics")
        assert status == 200
        found[process] = page
    return found


def test_a_running_system_has_the_metrics_of_the_reference_and_no_others(traced: System) -> None:
    running: dict[str, str] = {}
    helps: dict[str, str] = {}
    for page in pages(traced).values():
        running |= families(page)
        helps |= dict(re.findall(r"^# HELP (\w+) (.*)$", page, re.MULTILINE))
    # There with a search index, with MySQL, with encryption, and at the controller.
    absent = (
        "chatsystem_index_",
        "chatsystem_database_connections",
        "chatsystem_database_pool_",
        "chatsystem_database_repetitions",
        "chatsystem_rpc_certificate_",
        "chatsystem_rpc_authority_",
        "chatsystem_controller_",
    )
    expected = [metric for metric in metrics() if not metric.name.startswith(absent)]
    assert running == {metric.name: metric.kind for metric in expected}
    assert helps == {metric.name: metric.help for metric in expected if not metric.name.startswith("process_")} | {
        name: text for name, text in helps.items() if name.startswith("process_")
    }


def test_labels_are_those_of_the_reference(traced: System) -> None:
    allowed = {series: {*metric.labels, "le"} for metric in metrics() for series in metric.series()}
    for page in pages(traced).values():
        for name, labels in re.findall(r"^(\w+)\{(.*)\} \S+$", page, re.MULTILINE):
            assert set(re.findall(r'(\w+)="', labels)) <= allowed[name], name


def test_names_follow_one_form() -> None:
    for metric in metrics():
        assert re.fullmatch(r"(chatsystem|process)_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.help.endswith(".")


async def test_traffic_is_counted(traced: System, traced_api: Api) -> None:
    one, other = await traced_api.register(), await traced_api.register()
    chat = await befriend(one, other)
    before = pages(traced)
    for number in range(3):
        await one.send(chat, text(f"message {number}"))
    after = pages(traced)

    def growth(process: str, name: str, labels: str = "") -> float:
        return values(after[process], name)[labels] - values(before[process], name)[labels]

    assert growth("transmit", "chatsystem_messages_stored_total") == 3
    assert growth("transmit", "chatsystem_database_group_works_sum") >= 1
    assert growth("transmit", "chatsystem_database_write_seconds_count") >= 1
    assert growth("gateway", "chatsystem_push_batches_total") == 3
    assert growth("gateway", "chatsystem_cache_seconds_count") >= 1
    sends = values(after["gateway"], "chatsystem_rpc_call_seconds_count")
    assert sends['{method="Send",result="ok",service="transmit"}'] >= 3
    assert values(after["gateway"], "chatsystem_registry_replicas")['{service="user"}'] == 1
    assert values(after["user"], "chatsystem_pool_workers")['{pool="argon2"}'] >= 1
    assert set(values(after["store"], "chatsystem_check_ok").values()) == {1.0}
    assert values(after["store"], "chatsystem_ready") == {"": 1.0}


async def test_a_voice_message_is_counted_from_the_outbox_to_its_outcome(traced: System, traced_api: Api) -> None:
    one, other = await traced_api.register(), await traced_api.register()
    chat = await befriend(one, other)
    await one.send(chat, voice(b"\0" * 3200))

    def handled() -> bool:
        page = traced.health("store", "/metrics")[1]
        outcomes = values(page, "chatsystem_transcripts_total")
        depth = values(page, "chatsystem_queue_depth").get('{group="store",topic="transcripts"}')
        lag = values(page, "chatsystem_queue_lag_seconds_count").get('{group="store",topic="transcripts"}', 0)
        return outcomes['{outcome="refused"}'] >= 1 and depth == 0 and lag >= 1

    await asyncio.to_thread(wait_for, handled, 10, "the voice message is handled")
    page = traced.health("transmit", "/metrics")[1]
    assert values(page, "chatsystem_outbox_relayed_total")[""] >= 1
    assert values(page, "chatsystem_outbox_rows") == {"": 0.0}


async def arrived(otlp: OtlpReceiver, wanted: Callable[[Seen], bool], count: int = 1) -> list[Seen]:
    """At least `count` spans that are `wanted`; spans come a second late, so those of earlier tests still arrive."""

    def found() -> list[Seen]:
        return [span for span in list(otlp.spans) if wanted(span)]

    await asyncio.to_thread(wait_for, lambda: len(found()) >= count, 10, f"{count} spans arrive")
    return found()


def served(service_and_method: str, **attributes: str) -> Callable[[Seen], bool]:
    """The called side of calls with these attributes."""
    wanted = {f"chatsystem.{name}": value for name, value in attributes.items()}
    return lambda span: (
        span.name == service_and_method and span.kind == SERVER and wanted.items() <= span.attributes.items()
    )


async def test_a_send_is_one_trace_through_the_processes(otlp: OtlpReceiver, traced_api: Api) -> None:
    one, other = await traced_api.register(), await traced_api.register()
    chat = await befriend(one, other)
    await one.send(chat, text(SECRET))
    [server] = await arrived(otlp, served("transmit/Send", chat_session_id=chat))
    names = ("/service/message_transmit/new_message", "transmit batch", "database write", "database commit")
    await arrived(otlp, lambda span: span.trace == server.trace and span.name in names, 4)
    root, batch, write, commit = (
        next(span for span in otlp.named(name) if span.trace == server.trace) for name in names
    )
    [client] = [span for span in otlp.named("transmit/Send") if span.id == server.parent]
    assert client.instance.startswith("gateway")
    assert server.instance.startswith("transmit")
    assert (root.parent, client.parent, batch.parent, write.parent) == ("", root.id, server.id, batch.id)
    assert batch.links == (server.id,)
    assert write.id in commit.links
    assert commit.attributes["chatsystem.works"] >= 1
    assert not any(span.failed for span in otlp.spans if span.trace == server.trace)


async def test_sends_at_the_same_time_are_linked_to_the_batch_they_share(otlp: OtlpReceiver, traced_api: Api) -> None:
    one, other = await traced_api.register(), await traced_api.register()
    chat = await befriend(one, other)
    await asyncio.gather(*(one.send(chat, text(f"{number}")) for number in range(20)))
    sends = {span.id for span in await arrived(otlp, served("transmit/Send", chat_session_id=chat), 20)}
    batches = await arrived(otlp, lambda span: span.name == "transmit batch" and bool(sends & {*span.links}))
    await asyncio.to_thread(
        wait_for,
        lambda: sends <= {link for span in otlp.named("transmit batch") for link in span.links},
        10,
        "all sends are linked to a batch",
    )
    assert all(span.attributes["chatsystem.messages"] == len(span.links) for span in batches)


async def test_the_handling_of_an_event_is_a_trace(otlp: OtlpReceiver, traced_api: Api) -> None:
    one, other = await traced_api.register(), await traced_api.register()
    chat = await befriend(one, other)
    await one.send(chat, voice(b"\0" * 3200))
    [speech] = await arrived(otlp, served("speech/SpeechRecognition", user_id=one.user_id))
    [handled] = await arrived(otlp, lambda span: span.name == "process transcripts" and span.trace == speech.trace)
    assert handled.parent == ""
    assert handled.attributes["messaging.batch.message_count"] == 1
    published = await arrived(otlp, lambda span: span.name == "publish transcripts")
    assert published[0].attributes["messaging.destination.name"] == "transcripts"


def test_no_span_holds_what_a_person_wrote(otlp: OtlpReceiver) -> None:
    assert otlp.raw
    assert not any(SECRET.encode() in body for body in otlp.raw)


def test_a_receiver_that_is_away_disturbs_nothing(start_system) -> None:
    settings = {"CHATSYSTEM_TRACING_ENDPOINT": "http://127.0.0.1:9", "CHATSYSTEM_TRACING_RATIO": "1"}
    system = start_system(settings=settings)

    async def talk() -> None:
        api = Api(system.host, system.http_port, system.websocket_port)
        one, other = await api.register(), await api.register()
        await one.send(await befriend(one, other), text("hello"))
        await api.close()

    asyncio.run(talk())
    system.processes["all"].stop()
    assert system.processes["all"].exit_code == 0
    assert "opentelemetry" not in system.logs()
