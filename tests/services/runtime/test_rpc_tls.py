"""TLS between processes: both sides prove who they are, and what is wrong with a setting is said before anything starts."""

import time

import pytest

from controller.blueprint.workload import Certificate
from controller.engine.authority import changed
from controller.engine.certificates import Change
from services.protocol import file_pb2
from services.runtime.rpc import DESCRIPTORS, Unavailable
from services.runtime.rpc_remote import RemoteServices
from services.runtime.rpc_server import RpcServer
from services.runtime.rpc_tls import DEFAULT_NAME, read_rpc_tls
from services.stores.ports import Instance
from tests.testbed.calls import SECRET
from tests.testbed.certificates import authority


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    return authority(tmp_path_factory.mktemp("tls") / "theirs")


SIGNED = {}
"""Making keys takes long."""


def variables(trusted, signer, name=DEFAULT_NAME):
    if (signer.folder, name) not in SIGNED:
        SIGNED[signer.folder, name] = signer.sign(name)
    certificate, key = SIGNED[signer.folder, name]
    return {
        "CHATSYSTEM_RPC_TLS_CERT_FILE": str(certificate),
        "CHATSYSTEM_RPC_TLS_KEY_FILE": str(key),
        "CHATSYSTEM_RPC_TLS_CA_FILE": str(trusted.certificate),
        "CHATSYSTEM_RPC_TLS_NAME": name,
    }


def tls(trusted, signer, name=DEFAULT_NAME):
    problems = []
    settings = read_rpc_tls(variables(trusted, signer, name), problems)
    assert not problems
    return settings


async def test_calls_pass_between_processes_of_one_authority(network, ours):
    await network.replica("one", tls=tls(ours, ours))
    caller = await network.caller(tls(ours, ours))
    assert (await caller.validate()).success
    assert (await caller.send()).success


async def test_whole_calls_are_encrypted_too(network, ours):
    async def serve(request):
        return file_pb2.GetSingleFileRsp(success=True)

    handlers = dict.fromkeys((method.name for method in DESCRIPTORS["file"].methods), serve)
    server = RpcServer(SECRET, {"file": handlers}, tls(ours, ours))
    (port,) = await server.start("127.0.0.1", [0])
    remote = RemoteServices(network.directory, SECRET, tls(ours, ours))
    remote._changed("file", [Instance("file", "one", f"127.0.0.1:{port}")])
    assert (await remote.call("file", "GetSingleFile", file_pb2.GetSingleFileReq(), 5.0)).success
    await remote.close()
    await server.stop(0)


@pytest.mark.parametrize("caller_is", ["of another authority", "without TLS"])
async def test_a_caller_that_cannot_prove_itself_is_refused(network, ours, theirs, caller_is):
    replica = await network.replica("one", tls=tls(ours, ours))
    caller = await network.caller(tls(ours, theirs) if "another" in caller_is else None)
    with pytest.raises(Unavailable):
        await caller.validate(timeout=0.5)
    assert replica.validated == []


@pytest.mark.parametrize("server_is", ["of another authority", "with another name", "without TLS"])
async def test_a_server_that_cannot_prove_itself_gets_no_call(network, ours, theirs, server_is):
    match server_is:
        case "of another authority":
            settings = tls(ours, theirs)
        case "with another name":
            settings = tls(ours, ours, "somebody-else")
        case _:
            settings = None
    replica = await network.replica("one", tls=settings)
    caller = await network.caller(tls(ours, ours))
    with pytest.raises(Unavailable):
        await caller.validate(timeout=0.5)
    assert replica.validated == []


def test_tls_is_off_unless_it_is_asked_for():
    problems = []
    assert read_rpc_tls({}, problems) is None
    assert problems == []


@pytest.mark.parametrize("missing", ["CERT_FILE", "KEY_FILE", "CA_FILE"])
def test_a_missing_file_setting_is_named(ours, missing):
    problems = []
    environment = variables(ours, ours)
    del environment[f"CHATSYSTEM_RPC_TLS_{missing}"]
    assert read_rpc_tls(environment, problems) is None
    assert problems[0].startswith(f"CHATSYSTEM_RPC_TLS_{missing} not set")


@pytest.mark.parametrize("file", ["CERT_FILE", "KEY_FILE", "CA_FILE"])
@pytest.mark.parametrize("content", [None, "", "hello"])
def test_a_bad_file_is_named(ours, tmp_path, file, content):
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    problems = []
    environment = variables(ours, ours) | {f"CHATSYSTEM_RPC_TLS_{file}": str(path)}
    assert read_rpc_tls(environment, problems) is None
    assert len(problems) == 1
    assert f"CHATSYSTEM_RPC_TLS_{file}" in problems[0]
    assert str(path) in problems[0]


def test_the_key_of_another_certificate_is_refused(ours):
    problems = []
    environment = variables(ours, ours)
    environment["CHATSYSTEM_RPC_TLS_KEY_FILE"] = str(ours.sign(DEFAULT_NAME)[1])
    assert read_rpc_tls(environment, problems) is None
    assert "are not a certificate and its key" in problems[0]


def test_a_certificate_for_another_name_is_refused_at_the_start(ours):
    problems = []
    environment = variables(ours, ours, "somebody-else") | {"CHATSYSTEM_RPC_TLS_NAME": DEFAULT_NAME}
    assert read_rpc_tls(environment, problems) is None
    assert f"is not for the DNS name {DEFAULT_NAME}" in problems[0]


def test_a_certificate_that_has_ended_is_refused_at_the_start(tmp_path):
    three_days_ago = time.time() - 3 * 86400
    ended = changed(None, Change.CREATE, Certificate(DEFAULT_NAME, 86400.0), three_days_ago)
    for key, content in ended.published().items():
        (tmp_path / key).write_bytes(content)
    files = {"CERT_FILE": "tls.crt", "KEY_FILE": "tls.key", "CA_FILE": "ca.crt"}
    problems = []
    assert (
        read_rpc_tls({f"CHATSYSTEM_RPC_TLS_{name}": str(tmp_path / file) for name, file in files.items()}, problems)
        is None
    )
    assert f"{tmp_path / 'tls.crt'} ended on" in problems[0]


def test_the_key_is_not_shown(ours):
    settings = tls(ours, ours)
    assert "PRIVATE" not in repr(settings)
