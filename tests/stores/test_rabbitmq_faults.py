"""The queue on a RabbitMQ server that is away, refuses, dies in the middle, hangs and comes back."""

import asyncio
import signal

import pytest

from services.stores.access import Access, Tls
from services.stores.ports import StoreError
from services.stores.rabbitmq_consumption import LIMIT, SUSPECT, Pauses
from services.stores.rabbitmq_queue import RabbitQueue
from tests.testbed.certificates import authority
from tests.testbed.process import free_ports
from tests.testbed.proxy import Proxy
from tests.testbed.rabbitmq import RabbitMQ

BRISK = Pauses(retry=0.02, longest_retry=0.1, reconnect=0.05, longest_reconnect=0.2)


@pytest.fixture
async def opened(rabbitmq, world):
    """Opens queues on the shared server, with names of the test's own."""
    queues = []

    def open_one(url=None, access=None, **options):
        options = {"prefix": world.prefix, "consumer": "test", "pauses": BRISK, "timeout": 3.0, **options}
        queues.append(RabbitQueue(url or rabbitmq.url, access or rabbitmq.access, **options))
        return queues[-1]

    yield open_one
    for queue in queues:
        await queue.close()


@pytest.fixture
def own_rabbitmq(tmp_path):
    """A server that the test may kill."""
    server = RabbitMQ(tmp_path / "own-rabbitmq")
    try:
        server.start()
        yield server
    finally:
        server.stop()


async def until(attempt, timeout=30.0):
    """Repeats while the server is away; a StoreError that may pass is the only error that may be seen."""
    async with asyncio.timeout(timeout):
        while True:
            try:
                if await attempt():
                    return
            except StoreError as error:
                assert error.retryable, error
            await asyncio.sleep(0.05)


class Collector:
    def __init__(self):
        self.parcels = []

    async def __call__(self, parcels):
        self.parcels.extend(parcels)
        return {}

    @property
    def payloads(self):
        return [parcel.payload for parcel in self.parcels]


async def test_a_server_that_is_not_there_is_a_store_error_that_may_pass(opened):
    queue = opened(f"amqp://127.0.0.1:{free_ports(1)[0]}/", Access("chat", "secret-word"))
    for call in (queue.publish("t", [b"1"]), queue.ping(), queue.depth("t", "g"), queue.dead_letters("t", "g")):
        with pytest.raises(StoreError, match="cannot be reached") as caught:
            await call
        assert caught.value.retryable
        assert "secret-word" not in str(caught.value)


async def test_a_wrong_password_is_an_error_that_does_not_pass_and_does_not_show_it(opened, rabbitmq):
    queue = opened(rabbitmq.url, Access("chat", "wrong-word"))
    with pytest.raises(StoreError, match="password") as caught:
        await queue.ping()
    assert not caught.value.retryable
    assert "wrong-word" not in str(caught.value)


async def test_a_virtual_host_that_is_not_there_is_named(opened, rabbitmq):
    queue = opened(f"{rabbitmq.url}no%2Fwhere")
    with pytest.raises(StoreError, match="no/where") as caught:
        await queue.ping()
    assert not caught.value.retryable


async def test_a_queue_that_somebody_made_otherwise_is_named(opened, world):
    queue = opened()
    async with queue._outward.brief_channel() as channel:
        await channel.declare_queue(f"{world.prefix}t.g", durable=True)
    with pytest.raises(StoreError, match=r"t\.g") as caught:
        await queue.consume("t", "g", Collector())
    assert not caught.value.retryable


async def test_of_several_addresses_one_that_answers_is_enough(opened, rabbitmq):
    queue = opened(f"amqp://127.0.0.1:{free_ports(1)[0]},127.0.0.1:{rabbitmq.port}/")
    await queue.publish("t", [b"1"])
    assert await queue.depth("t", "g") == 1


async def test_one_publish_of_many_payloads_is_few_messages(opened):
    queue = opened()
    await queue.publish("t", [b"x"] * 300)
    assert await queue.depth("t", "g") == 5
    collector = Collector()
    await queue.consume("t", "g", collector)

    async def everything():
        return len(collector.parcels) == 300

    await until(everything)
    assert len({parcel.id for parcel in collector.parcels}) == 300


async def test_what_a_consumer_is_not_to_take_at_once_is_left_to_the_others(opened):
    gate = asyncio.Event()
    taken = []

    async def slow(parcels):
        taken.append("slow")
        await gate.wait()
        return {}

    queue, other = opened(), opened()
    await queue.publish("t", [b"x"] * 60)
    await queue.consume("t", "g", slow, prefetch=2)

    async def busy():
        return bool(taken)

    await until(busy)
    collector = Collector()
    await other.consume("t", "g", collector, prefetch=2)

    async def most():
        return len(collector.parcels) >= 56

    await until(most)
    gate.set()


async def test_closing_counts_no_attempt_that_was_not_made(opened):
    gate, begun = asyncio.Event(), asyncio.Event()

    async def slow(parcels):
        begun.set()
        await gate.wait()
        return {}

    queue = opened()
    consumption = await queue.consume("t", "g", slow, prefetch=4)
    for number in range(4):
        await queue.publish("t", [str(number).encode()])
    await begun.wait()
    await asyncio.sleep(0.1)
    closing = asyncio.create_task(consumption.close())
    gate.set()
    await closing
    collector = Collector()
    await queue.consume("t", "g", collector)

    async def rest():
        return len(collector.parcels) == 3

    await until(rest)
    assert {parcel.attempt for parcel in collector.parcels} == {1}


async def test_a_retry_that_is_waiting_when_its_consumer_closes_keeps_its_count(opened):
    async def fails(parcels):
        return {parcel.id: ValueError("no") for parcel in parcels}

    queue = opened(pauses=Pauses(retry=60, longest_retry=60))
    consumption = await queue.consume("t", "g", fails)
    await queue.publish("t", [b"1"])

    async def tried():
        return bool(consumption._retries)

    await until(tried)
    await consumption.close()
    collector = Collector()
    await queue.consume("t", "g", collector)

    async def again():
        return [parcel.attempt for parcel in collector.parcels] == [2]

    await until(again)


async def test_a_message_that_is_not_of_this_system_is_a_dead_letter(opened, world):
    queue = opened()
    collector = Collector()
    await queue.consume("t", "g", collector)
    from aio_pika import Message

    async with queue._outward.brief_channel() as channel:
        await channel.default_exchange.publish(Message(b"hello"), f"{world.prefix}t.g")

    async def dead():
        return [(letter.payload, letter.attempts) for letter in await queue.dead_letters("t", "g")] == [(b"hello", 0)]

    await until(dead)
    assert "form" in (await queue.dead_letters("t", "g"))[0].reason
    assert collector.parcels == []


async def test_a_parcel_that_ends_every_consumer_becomes_a_dead_letter_and_takes_no_other_with_it(opened):
    queue = opened(pauses=Pauses(reconnect=0.0, longest_reconnect=0.0))
    handled = []

    async def dies(parcels):
        if b"poison" in [parcel.payload for parcel in parcels]:
            queue._inward.drop()
            await asyncio.gather(*queue._inward._farewells)
        else:
            handled.extend(parcel.payload for parcel in parcels)
        return {}

    await queue.consume("t", "g", dies)
    await queue.publish("t", [b"one", b"poison", b"two"])

    async def dead():
        return len(await queue.dead_letters("t", "g")) == 1

    await until(dead, timeout=60)
    assert {b"one", b"two"} <= set(handled)
    letter = (await queue.dead_letters("t", "g"))[0]
    assert letter.payload == b"poison"
    assert letter.attempts >= SUSPECT + LIMIT
    assert "without an answer" in letter.reason


async def test_dead_letters_can_be_looked_at_more_often_than_the_server_would_deliver_them(opened):
    async def fails(parcels):
        return {parcel.id: ValueError("no") for parcel in parcels}

    queue = opened()
    await queue.consume("t", "g", fails, attempts=1)
    await queue.publish("t", [b"1", b"2", b"3"])

    async def dead():
        return len(await queue.dead_letters("t", "g")) == 3

    await until(dead)
    for _ in range(25):
        assert len(await queue.dead_letters("t", "g")) == 3
    assert len(await queue.dead_letters("t", "g", limit=2)) == 2


async def test_a_replay_ends_although_its_letters_die_again(opened):
    async def fails(parcels):
        return {parcel.id: ValueError("no") for parcel in parcels}

    queue = opened()
    await queue.consume("t", "g", fails, attempts=1)
    await queue.publish("t", [b"x"] * 20)

    async def dead():
        return len(await queue.dead_letters("t", "g")) == 20

    await until(dead)
    assert await queue.replay("t", "g") == 20
    await until(dead)


async def test_queues_that_somebody_deleted_are_made_again(opened, world):
    queue = opened()
    collector = Collector()
    await queue.consume("t", "g", collector)
    async with queue._outward.brief_channel() as channel:
        await channel.queue_delete(f"{world.prefix}t.g")
        await channel.exchange_delete(f"{world.prefix}t")

    async def arrives():
        await queue.publish("t", [b"1"])
        return b"1" in collector.payloads

    await until(arrives)


async def test_a_cut_connection_loses_nothing_and_gives_the_batch_in_hand_again(opened, rabbitmq):
    async with Proxy("127.0.0.1", rabbitmq.port) as proxy:
        queue = opened(f"amqp://127.0.0.1:{proxy.port}/")
        begun, gate = asyncio.Event(), asyncio.Event()
        seen = []

        async def handler(parcels):
            seen.extend(parcels)
            begun.set()
            await gate.wait()
            return {}

        await queue.consume("t", "g", handler)
        await queue.publish("t", [b"1"])
        await begun.wait()
        proxy.cut()
        gate.set()
        with pytest.raises(StoreError):
            await queue.publish("t", [b"2"])
        proxy.restore()

        async def published():
            await queue.publish("t", [b"2"])
            return True

        await until(published)

        async def again():
            return [(parcel.payload, parcel.attempt) for parcel in seen].count((b"1", 2)) == 1

        await until(again)

        async def empty():
            return await queue.depth("t", "g") == 0

        await until(empty)
        assert b"2" in [parcel.payload for parcel in seen]


async def test_a_link_that_lets_nothing_through_is_an_error_within_the_timeout(opened, rabbitmq):
    async with Proxy("127.0.0.1", rabbitmq.port) as proxy:
        queue = opened(f"amqp://127.0.0.1:{proxy.port}/", timeout=0.5)
        await queue.publish("t", [b"1"])
        proxy.freeze()
        started = asyncio.get_running_loop().time()
        with pytest.raises(StoreError, match="in time"):
            await queue.publish("t", [b"2"])
        assert asyncio.get_running_loop().time() - started < 5
        proxy.restore()

        async def published():
            await queue.publish("t", [b"2"])
            return True

        await until(published)


async def test_no_queued_payload_is_lost_when_the_server_is_killed_stopped_and_paused(own_rabbitmq):
    queue = RabbitQueue(own_rabbitmq.url, own_rabbitmq.access, consumer="one", timeout=2.0, pauses=BRISK)
    collector = Collector()
    await queue.consume("t", "g", collector, prefetch=5)
    await asyncio.sleep(1.0)  # RabbitMQ 3.10 killed within a second of a queue's making never finds its leader again
    accepted = set()
    for round_, fault in enumerate((kill, pause, restart)):
        for number in range(40):
            payload = f"{round_}.{number}".encode()

            async def publish(payload=payload):
                await queue.publish("t", [payload, payload + b"+"])
                return True

            await until(publish)
            accepted |= {payload, payload + b"+"}
            if number == 20:
                await asyncio.to_thread(fault, own_rabbitmq)

    async def everything():
        return accepted <= set(collector.payloads)

    await until(everything)

    async def empty():
        return await queue.depth("t", "g") == 0

    await until(empty)
    assert await queue.dead_letters("t", "g") == []
    await queue.close()


def kill(server):
    server.process.kill()
    server.start()


def restart(server):
    server.process.stop()
    server.start()


def pause(server):
    import time

    server.process.signal(signal.SIGSTOP)
    time.sleep(3.0)
    server.process.signal(signal.SIGCONT)


async def test_a_queue_closes_while_its_server_is_away_or_hangs(own_rabbitmq):
    queue = RabbitQueue(own_rabbitmq.url, own_rabbitmq.access, consumer="one", timeout=1.0, pauses=BRISK)
    await queue.consume("t", "g", Collector())
    own_rabbitmq.process.signal(signal.SIGSTOP)
    async with asyncio.timeout(15):
        await queue.close()
    own_rabbitmq.process.signal(signal.SIGCONT)


async def test_an_encrypted_connection_is_used_only_with_a_trusted_certificate(tmp_path):
    signer, other = authority(tmp_path / "ca"), authority(tmp_path / "other")
    certificate, key = signer.sign("127.0.0.1")
    mine, my_key = signer.sign("chat")
    options = {"cacertfile": signer.certificate, "certfile": certificate, "keyfile": key}
    server = RabbitMQ(tmp_path / "rabbitmq", tls={**options, "verify": "verify_peer", "fail_if_no_peer_cert": "true"})
    try:
        server.start()
        url = f"amqp://127.0.0.1:{server.tls_port}/"
        trusting = Access(server.username, server.password, Tls(str(signer.certificate), str(mine), str(my_key)))
        queue = RabbitQueue(url, trusting, consumer="one", timeout=3.0)
        await queue.publish("t", [b"1"])
        assert await queue.depth("t", "g") == 1
        await queue.close()
        for tls, said in (
            (Tls(str(other.certificate), str(mine), str(my_key)), "not trusted"),
            (Tls(str(tmp_path / "none")), "none"),
        ):
            queue = RabbitQueue(url, Access(server.username, server.password, tls), consumer="one", timeout=3.0)
            with pytest.raises(StoreError, match=said) as caught:
                await queue.ping()
            assert not caught.value.retryable
            await queue.close()
        careless = Access(server.username, server.password, Tls("", str(mine), str(my_key), verify=False))
        queue = RabbitQueue(url, careless, consumer="one", timeout=3.0)
        await queue.ping()
        await queue.close()
    finally:
        server.stop()
