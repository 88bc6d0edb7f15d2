"""What consumers gave up on is seen and given back by the person who runs the system, through the command line."""

import asyncio
import json

import pytest

from services.runtime.events import SEARCH
from services.stores.access import Access
from services.stores.redis_consumption import Timing
from services.stores.redis_queue import RedisQueue
from tests.testbed.product import Product

GROUP = "search-index"


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    one = Product(tmp_path_factory.mktemp("product")).up()
    yield one
    one.delete()


@pytest.fixture
async def queue(product):
    """The queue of the running system, as one of its services sees it."""
    (slot,) = (product.root / "slots").glob("valkey-*.json")
    port = json.loads(slot.read_text())["client"]
    password = (product.root / "secrets" / "valkey" / "password").read_text()
    opened = RedisQueue(
        f"redis://127.0.0.1:{port}/1", Access(password=password), consumer="test", timing=Timing(block=0.05, retry=0.02)
    )
    yield opened
    await opened.close()


async def give_up(queue, payloads):
    """A consumer of the search topic, which this system does not have, fails for good."""

    async def fails(parcels):
        return {parcel.id: ValueError("not [indexed]") for parcel in parcels}

    consumption = await queue.consume(SEARCH, GROUP, fails, attempts=1)
    await queue.publish(SEARCH, payloads)
    async with asyncio.timeout(10):
        while len(await queue.dead_letters(SEARCH, GROUP)) < len(payloads):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await consumption.close()


async def test_dead_letters_are_shown_with_their_reason_and_replayed(product, queue):
    run = asyncio.to_thread
    assert json.loads(await run(product.done, "queue", "dead", product.name, "-o", "json")) == {"deadLetters": []}
    await give_up(queue, [b'{"message_id": "m1"}', b"\xffodd", b"third"])
    letters = json.loads(await run(product.done, "queue", "dead", product.name, "-o", "json"))["deadLetters"]
    assert [letter["event"] for letter in letters] == [{"message_id": "m1"}, "�odd", "third"]
    assert {(letter["topic"], letter["group"], letter["attempts"]) for letter in letters} == {(SEARCH, GROUP, 1)}
    assert {letter["reason"] for letter in letters} == {"ValueError: not [indexed]"}
    table = await run(product.done, "queue", "dead", product.name)
    assert letters[0]["id"] in table
    assert "ValueError: not [indexed]" in table

    said = await run(product.done, "queue", "replay", product.name, letters[0]["id"])
    assert said == "replayed 1 dead letter\n"
    assert await queue.depth(SEARCH, GROUP) == 1
    gone = await run(product.command, "queue", "replay", product.name, letters[0]["id"])
    assert gone.returncode == 1
    assert "not there" in gone.stderr
    assert await run(product.done, "queue", "replay", product.name, "--all") == "replayed 2 dead letters\n"
    got = []

    async def takes(parcels):
        got.extend(parcel.payload for parcel in parcels)
        return {}

    await queue.consume(SEARCH, GROUP, takes)
    async with asyncio.timeout(10):
        while len(got) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert sorted(got) == sorted([b'{"message_id": "m1"}', b"\xffodd", b"third"])


async def test_asking_is_no_instance_of_the_system(product):
    before = product.pids()
    await asyncio.to_thread(product.done, "queue", "dead", product.name)
    assert product.pids() == before


def test_a_queue_that_is_away_is_said_in_words(product):
    product.spec["stores"] = {"rabbitmq": {"external": {"endpoints": ["127.0.0.1:1"]}}}
    other = Product(product.directory, "away", **product.spec)
    other.done("apply", "-f", other.declaration())
    result = other.command("queue", "dead", "away")
    assert result.returncode == 1
    assert "the RabbitMQ server cannot be reached" in result.stderr
    other.delete()


def test_an_unknown_system_is_named(product):
    result = product.command("queue", "dead", "acne")
    assert result.returncode == 1
    assert "did you mean acme?" in result.stderr
