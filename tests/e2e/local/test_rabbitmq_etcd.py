"""Seven processes that find each other through etcd and hand over work through RabbitMQ, also when those are killed."""

from __future__ import annotations

import asyncio

import pytest

from tests.testbed import speech
from tests.testbed.client import Api, befriend
from tests.testbed.etcd import Etcd
from tests.testbed.process import wait_for
from tests.testbed.rabbitmq import RabbitMQ
from tests.testbed.schema import text, voice

WORDS = "안녕하세요"


@pytest.fixture
def stores(tmp_path):
    rabbitmq, etcd = RabbitMQ(tmp_path / "rabbitmq"), Etcd(tmp_path / "etcd")
    try:
        rabbitmq.start()
        etcd.start()
        yield rabbitmq, etcd
    finally:
        etcd.stop()
        rabbitmq.stop()


def settings(rabbitmq: RabbitMQ, etcd: Etcd) -> dict[str, str]:
    username = rabbitmq.directory / "username"
    username.write_text(rabbitmq.username)
    return {
        "CHATSYSTEM_QUEUE_URL": rabbitmq.url,
        "CHATSYSTEM_QUEUE_USERNAME_FILE": str(username),
        "CHATSYSTEM_QUEUE_PASSWORD_FILE": str(rabbitmq.password_file),
        "CHATSYSTEM_REGISTRY_URL": etcd.url,
        "CHATSYSTEM_REGISTRY_PASSWORD_FILE": "",
    }


async def test_transcripts_go_through_rabbitmq_and_calls_through_etcd_before_and_after_both_were_killed(
    start_system, stores, tmp_path
):
    rabbitmq, etcd = stores
    model = {
        "CHATSYSTEM_SPEECH_MODEL_PATH": str(speech.model(tmp_path)),
        "CHATSYSTEM_SPEECH_PHRASES": WORDS,
    }
    own = start_system(split=True, settings={**settings(rabbitmq, etcd), **model})
    api = Api(own.host, own.http_port, own.websocket_port)
    one, other = await api.register(), await api.register()
    chat = await befriend(one, other)
    pcm = speech.spoken(WORDS, tmp_path)
    device, sender = await other.connect(), await one.connect()
    await sender.send(chat, voice(pcm))
    assert (await device.wait(lambda frame: frame["transcript"], timeout=45.0))["seq"] == 1

    for store in (rabbitmq, etcd):
        store.process.kill()
    await sender.send(chat, text("while both are away"))
    await sender.send(chat, voice(pcm))
    await asyncio.to_thread(rabbitmq.start)
    await asyncio.to_thread(etcd.start)
    assert (await device.wait(lambda frame: frame["transcript"], timeout=60.0))["seq"] == 3
    await asyncio.to_thread(wait_for, own.ready, 30.0, "everything is ready again")
    own.processes["user"].kill()
    own.restart("user")
    own.wait_ready()
    await api.register()
    await api.close()
