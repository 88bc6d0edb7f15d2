"""The memory of login sessions."""

from __future__ import annotations

import asyncio

import pytest

from services.gateway.sessions import LIFETIME, REFUSAL_LIFETIME, SessionCache
from services.protocol.gateway_pb2 import DeliveryBatch
from services.protocol.user_pb2 import ValidateSessionReq, ValidateSessionRsp
from services.runtime.push import session_key
from services.runtime.rpc import Unavailable


class UserService:
    """Answers with what `valid` says, and counts."""

    def __init__(self) -> None:
        self.valid = {"t1": "alice", "t2": "alice", "t3": "bob"}
        self.asked: list[str] = []
        self.now = 1000.0
        self.lifetime = 3600
        self.answers = asyncio.Event()
        self.answers.set()
        self.down = False

    async def validate(self, request: ValidateSessionReq) -> ValidateSessionRsp:
        self.asked.append(request.session_id)
        user_id = self.valid.get(request.session_id)
        await self.answers.wait()
        if self.down:
            raise Unavailable("down")
        if user_id is None:
            return ValidateSessionRsp(errmsg="无效")
        return ValidateSessionRsp(success=True, user_id=user_id, expires_at=int(self.now + self.lifetime))


@pytest.fixture
def service() -> UserService:
    return UserService()


@pytest.fixture
def sessions(service: UserService) -> SessionCache:
    return SessionCache(service.validate, lambda: service.now, capacity=100)


async def test_an_answer_holds_for_its_lifetime(sessions: SessionCache, service: UserService) -> None:
    for _ in range(3):
        session = await sessions.validate("t1")
        assert session is not None and session.user_id == "alice" and session.key == session_key("t1")
    service.now += LIFETIME
    await sessions.validate("t1")
    assert service.asked == ["t1", "t1"]


async def test_a_session_is_not_remembered_beyond_its_end(sessions: SessionCache, service: UserService) -> None:
    service.lifetime = 5
    await sessions.validate("t1")
    service.now += 6
    del service.valid["t1"]
    assert await sessions.validate("t1") is None


async def test_an_unknown_token_is_remembered_for_a_short_time(sessions: SessionCache, service: UserService) -> None:
    assert await sessions.validate("x") is None
    assert await sessions.validate("x") is None
    assert service.asked == ["x"]
    service.now += REFUSAL_LIFETIME
    service.valid["x"] = "carol"
    assert (await sessions.validate("x")) is not None


async def test_guesses_do_not_fill_the_memory(sessions: SessionCache) -> None:
    for index in range(1000):
        await sessions.validate(f"guess-{index}")
    assert len(sessions._unknown) <= 10


async def test_valid_sessions_do_not_fill_the_memory_either(sessions: SessionCache, service: UserService) -> None:
    for index in range(500):
        service.valid[f"s{index}"] = f"user{index}"
        await sessions.validate(f"s{index}")
    assert len(sessions._valid) <= 100
    assert len(sessions._of_user) <= 100


async def test_a_revocation_is_effective_at_once(sessions: SessionCache, service: UserService) -> None:
    await sessions.validate("t1")
    await sessions.validate("t2")
    del service.valid["t1"]
    sessions.apply(DeliveryBatch(revoked_session=[session_key("t1")]))
    assert await sessions.validate("t1") is None
    assert await sessions.validate("t2") is not None
    del service.valid["t2"]
    sessions.apply(DeliveryBatch(revoked_user=["alice"]))
    assert await sessions.validate("t2") is None


@pytest.mark.parametrize(
    "revocation", [DeliveryBatch(revoked_session=[session_key("t1")]), DeliveryBatch(revoked_user=["alice"])]
)
async def test_an_answer_that_a_revocation_overtakes_does_not_count(
    sessions: SessionCache, service: UserService, revocation: DeliveryBatch
) -> None:
    service.answers.clear()
    asking = asyncio.create_task(sessions.validate("t1"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert service.asked == ["t1"]
    del service.valid["t1"]
    sessions.apply(revocation)
    service.answers.set()
    assert await asking is None


async def test_a_revocation_between_an_answer_and_its_asker_counts(
    sessions: SessionCache, service: UserService
) -> None:
    asking = asyncio.create_task(sessions.validate("t1"))
    while not sessions._valid:  # noqa: ASYNC110 - one turn of the loop at a time
        await asyncio.sleep(0)
    assert not asking.done()
    del service.valid["t1"]
    sessions.apply(DeliveryBatch(revoked_session=[session_key("t1")]))
    assert await asking is None


async def test_simultaneous_questions_share_one_answer(sessions: SessionCache, service: UserService) -> None:
    answers = await asyncio.gather(*(sessions.validate("t1") for _ in range(50)))
    assert all(answers) and service.asked == ["t1"]


async def test_an_outage_is_not_remembered(sessions: SessionCache, service: UserService) -> None:
    service.down = True
    with pytest.raises(Unavailable):
        await sessions.validate("t1")
    service.down = False
    assert await sessions.validate("t1") is not None


@pytest.mark.parametrize("token", ["", "x" * 257])
async def test_what_cannot_be_a_token_is_not_asked_for(
    sessions: SessionCache, service: UserService, token: str
) -> None:
    assert await sessions.validate(token) is None
    assert service.asked == []
