"""The public ports, encrypted by the gateway itself."""

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization

from services.gateway import tls
from services.gateway.tls import CertificateError, read_tls
from services.protocol.gateway_pb2 import ClientAuthenticationReq
from services.stores.access import Tls
from services.stores.ports import StoreError
from tests.testbed.certificates import authority
from tests.testbed.gateway import eventually, running, token_of

CERTIFICATE, KEY = "CHATSYSTEM_TLS_CERTIFICATE_FILE", "CHATSYSTEM_TLS_KEY_FILE"


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """An authority, and the variables with a certificate of it for 127.0.0.1."""
    made = authority(tmp_path_factory.mktemp("tls") / "ca")
    certificate, key = made.sign("127.0.0.1")
    return made, {CERTIFICATE: str(certificate), KEY: str(key)}


async def test_both_ports_are_encrypted_and_nothing_else_gets_an_answer(signed):
    made, environment = signed
    trusting = ssl.create_default_context(cafile=str(made.certificate))
    async with running(tls=read_tls(environment)) as system:
        http = f"https://127.0.0.1:{system.gateway.http_port}/"
        async with system.http.get(http, ssl=trusting) as answer:
            assert answer.status == 200
            assert "<html" in (await answer.text()).lower()
        with pytest.raises(aiohttp.ClientError):
            await system.http.get(http.replace("https", "http"))
        socket = f"wss://127.0.0.1:{system.gateway.websocket_port}/"
        async with system.http.ws_connect(socket, ssl=trusting) as connected:
            request = ClientAuthenticationReq(request_id="a", session_id=token_of("alice"))
            await connected.send_bytes(request.SerializeToString())
            await eventually(lambda: len(system.gateway._connections))
        with pytest.raises(aiohttp.ClientError):
            await system.http.ws_connect(socket.replace("wss", "ws"))


async def test_an_old_version_of_tls_is_refused(signed):
    context = read_tls(signed[1])
    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("port", ["http_port", "websocket_port"])
async def test_who_does_not_finish_the_handshake_is_sent_away(signed, monkeypatch, port):
    monkeypatch.setattr(tls, "HANDSHAKE", 0.2)
    async with running(tls=read_tls(signed[1])) as system:
        reader, writer = await asyncio.open_connection("127.0.0.1", getattr(system.gateway, port))
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(signed, tmp_path):
    key = serialization.load_pem_private_key(Path(signed[1][KEY]).read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
    )
    with pytest.raises(CertificateError, match="without a passphrase"):
        read_tls(signed[1] | {KEY: str(locked)})
    with pytest.raises(StoreError, match="cannot be used"):
        Tls("", signed[1][CERTIFICATE], str(locked)).context()


def test_without_files_nothing_is_encrypted():
    assert read_tls({}) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({KEY: ""}, f"{KEY} is not set"),
        ({CERTIFICATE: ""}, f"{CERTIFICATE} is not set"),
        ({CERTIFICATE: "/nowhere"}, "cannot be read"),
        ({KEY: "/etc/hostname"}, "no certificate with its key"),
    ],
)
def test_what_cannot_be_used_is_named(signed, changes, said):
    with pytest.raises(CertificateError, match=said):
        read_tls(signed[1] | changes)
