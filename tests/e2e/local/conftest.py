"""Systems for the end-to-end tests. A failed test shows the end of its systems' logs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.testbed.client import Api, Person, befriend
from tests.testbed.product import Product
from tests.testbed.sms import SmsEndpoint
from tests.testbed.system import System


@pytest.fixture(scope="session")
def sms() -> Iterator[SmsEndpoint]:
    """Where the shared system sends its text messages."""
    endpoint = SmsEndpoint()
    yield endpoint
    endpoint.close()


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory, sms: SmsEndpoint) -> Iterator[System]:
    """One system in one process that tests share; none may stop it or change what others rely on."""
    settings = {"CHATSYSTEM_USER_SMS_URL": sms.url}
    running = System(tmp_path_factory.mktemp("system"), settings=settings).start()
    yield running
    running.stop()
    running.assert_clean()


@pytest.fixture
def start_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., System]]:
    """Starts a system of the test's own; arguments as of System."""
    started: list[System] = []

    def start(**options: object) -> System:
        one = System(tmp_path_factory.mktemp("own"), **options)  # type: ignore[arg-type]
        started.append(one)
        return one.start()

    start.started = started  # type: ignore[attr-defined]
    yield start
    for one in started:
        one.stop()
    for one in started:
        one.assert_clean()


@pytest.fixture
async def api(system: System) -> AsyncIterator[Api]:
    """The shared system's operations."""
    client = Api(system.host, system.http_port, system.websocket_port)
    yield client
    await client.close()


@pytest.fixture
async def pair(api: Api) -> tuple[Person, Person, str]:
    """Two friends, and the id of their conversation."""
    one, other = await api.register(), await api.register()
    return one, other, await befriend(one, other)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    arguments = getattr(item, "funcargs", {})
    systems = [value for value in arguments.values() if isinstance(value, System | Product)]
    systems += getattr(arguments.get("start_system"), "started", [])
    for one in systems:
        report.sections.append((f"logs below {one.directory.name}", one.log_tail()))
