"""Traces are off unless asked for, and while they are off nothing of them is there."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.gateway.operations import Operations
from services.gateway.service import _operations
from services.observation.traced_calls import TracedClients, _ids
from services.observation.tracer import Kind
from services.observation.tracing_settings import TracingSettings, open_tracer, read_tracing
from services.protocol.transmit_pb2 import NewMessageReq
from services.protocol.user_pb2 import UserLoginReq, UserLoginRsp
from services.runtime.rpc import DESCRIPTORS, Clients
from services.transmit.service import TransmitService, create
from tests.testbed.otlp import OtlpReceiver

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("endpoint", "sent_to"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://collector.example/otlp/v1/traces", "https://collector.example/otlp/v1/traces"),
    ],
)
def test_an_endpoint_gets_the_standard_path_if_it_has_none(endpoint, sent_to):
    assert read_tracing({"CHATSYSTEM_TRACING_ENDPOINT": endpoint}, []) == TracingSettings(sent_to, 0.01)


@pytest.mark.parametrize(
    "wrong",
    [
        {"CHATSYSTEM_TRACING_ENDPOINT": "collector:4317"},
        {"CHATSYSTEM_TRACING_ENDPOINT": "grpc://collector:4317"},
        {"CHATSYSTEM_TRACING_ENDPOINT": "http://collector:99999"},
        {"CHATSYSTEM_TRACING_ENDPOINT": "http://"},
        {"CHATSYSTEM_TRACING_RATIO": "2"},
        {"CHATSYSTEM_TRACING_RATIO": "nan"},
        {"CHATSYSTEM_TRACING_RATIO": "all"},
    ],
)
def test_a_wrong_setting_is_named_with_an_example(wrong):
    problems = []
    assert read_tracing(wrong, problems) is None
    [problem] = problems
    assert next(iter(wrong)) in problem
    assert "for example" in problem


def test_without_an_endpoint_there_are_no_traces():
    assert read_tracing({}, []) is None


def test_a_process_without_traces_loads_no_library_for_them():
    script = (
        "import sys\n"
        "import services.runtime.host, services.observation.process\n"
        "for name in ('gateway', 'user', 'friend', 'transmit', 'store', 'file', 'speech'):\n"
        "    __import__(f'services.{name}.service')\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry') or '.traced' in name])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


async def test_without_a_tracer_the_plain_classes_are_in_every_path(runtime):
    """The cost of tracing that is off is nothing because there is nothing: not a branch in the path of a message."""
    assert runtime.tracer is None
    transmit = create(runtime)
    assert type(transmit) is TransmitService
    assert transmit._submit.__func__ is type(transmit._pipeline).submit
    parts = dict.fromkeys(("clients", "push", "sessions", "metrics", "limits", "monotonic"))
    assert type(_operations(None, **parts)) is Operations


def test_only_ids_of_a_request_are_told():
    request = NewMessageReq(request_id="r" * 500, chat_session_id="c", user_id="u", session_id="a token")
    request.message.string_message.content = "private"
    assert _ids(request) == {
        "chatsystem.request_id": "r" * 128,
        "chatsystem.chat_session_id": "c",
        "chatsystem.user_id": "u",
    }
    assert _ids(UserLoginReq(nickname="name", password="password")) == {}


@pytest.fixture
def otlp():
    receiver = OtlpReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
def tracer(otlp):
    settings = TracingSettings(f"{otlp.url}/v1/traces", 1.0)
    tracer = open_tracer(settings, services=["user"], instance="user-1", version="1")
    yield tracer
    tracer.close()


async def test_a_call_is_a_span_and_so_is_what_it_calls(tracer, otlp):
    clients = TracedClients(tracer)
    handlers = dict.fromkeys((method.name for method in DESCRIPTORS["user"].methods), None)

    async def login(request):
        await clients.call("user", "Logout", request)
        return UserLoginRsp(success=True)

    async def logout(request):
        raise ValueError(f"a text that quotes {request.password}")

    clients.host("user", handlers | {"UserLogin": login, "Logout": logout})
    with pytest.raises(ValueError):
        await clients.call("user", "UserLogin", UserLoginReq(password="opensesame"))
    tracer.close()
    [outer], [inner] = otlp.named("user/UserLogin"), otlp.named("user/Logout")
    assert (inner.trace, inner.parent, outer.parent) == (outer.trace, outer.id, "")
    assert inner.failed
    assert not any(b"opensesame" in body for body in otlp.raw)


async def test_the_share_of_traces_is_kept_whole_or_not_at_all(otlp):
    tracer = open_tracer(TracingSettings(f"{otlp.url}/v1/traces", 0.5), services=["user"], instance="i", version="1")
    for _ in range(200):
        with tracer.span("outer", parent=""), tracer.span("inner", Kind.CLIENT):
            tracer.past("group", 0.001, {}, [tracer.current()])
    tracer.close()
    traces = [{span.trace for span in otlp.named(name)} for name in ("outer", "inner", "group")]
    assert traces[0] == traces[1] == traces[2]
    assert 50 < len(traces[0]) < 150


async def test_a_call_costs_the_same_as_before_while_traces_are_off():
    """A ratio within one process: the clients that a process without traces has, against none in between."""

    async def handler(request):
        return UserLoginRsp(success=True)

    clients = Clients()
    clients.host("user", dict.fromkeys((method.name for method in DESCRIPTORS["user"].methods), handler))
    direct = clients.hosted("user")["UserLogin"]
    request = UserLoginReq()

    async def through() -> float:
        started = time.perf_counter()
        for _ in range(2000):
            await clients.call("user", "UserLogin", request)
        return time.perf_counter() - started

    async def straight() -> float:
        started = time.perf_counter()
        for _ in range(2000):
            await direct(request)
        return time.perf_counter() - started

    ratios = [await through() / await straight() for _ in range(9)]
    assert min(ratios) < 2.0
