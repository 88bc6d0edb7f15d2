"""Voice messages with a real model: recognition, transcripts, and that the search finds them."""

from __future__ import annotations

import pytest

from tests.testbed import speech
from tests.testbed.client import Api, Refused, befriend
from tests.testbed.schema import voice

WORDS = "안녕하세요"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return speech.model(tmp_path_factory.mktemp("model"))


async def test_a_voice_message_gets_a_transcript_that_everyone_sees_and_the_search_finds(start_system, model, tmp_path):
    own = start_system(settings={"CHATSYSTEM_SPEECH_MODEL_PATH": str(model), "CHATSYSTEM_SPEECH_PHRASES": WORDS})
    api = Api(own.host, own.http_port, own.websocket_port)
    one, other = await api.register(), await api.register()
    chat = await befriend(one, other)
    pcm = speech.spoken(WORDS, tmp_path)
    answer = await one.exchange("recognition", speech_content=pcm, timeout=60.0)
    assert answer.fields["success"], answer.fields["errmsg"]
    heard = answer.fields["recognition_result"]
    assert "안녕" in heard.replace(" ", "")
    device = await other.connect()
    ack = await (await one.connect()).send(chat, voice(pcm))
    told = await device.wait(lambda frame: frame["transcript"], timeout=45.0)
    assert (told["message_id"], told["seq"], told["transcript"]) == (ack["message_id"], 1, heard)
    (found,) = (await other.call("search_messages", search_key=heard[:2]))["message"]
    assert (found["seq"], found["transcript"]) == (1, heard)
    answer = await other.call("search_history", chat_session_id=chat, search_key=heard[1:3])
    assert [item["message_id"] for item in answer["msg_list"]] == [ack["message_id"]]
    assert (await other.conversations())[chat]["prev_message_transcript"] == heard
    with pytest.raises(Refused):
        await one.call("recognition", speech_content=b"\x00")
    with pytest.raises(Refused):
        await one.call("recognition", speech_content=b"")
    await api.close()
