"""The process as its operator sees it: exit codes, clear words, the order of starting and draining, signals."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.testbed.process import Process, free_ports, wait_for
from tests.testbed.system import ROOT, clean_environment, fetch

SERVICES = ["file", "user"]


@pytest.fixture
def environment(tmp_path, valkey):
    ports = free_ports(3)
    return clean_environment() | {
        "CHATSYSTEM_DATABASE_URL": f"sqlite:///{tmp_path / 'chat.db'}",
        "CHATSYSTEM_CACHE_URL": valkey.url,
        "CHATSYSTEM_CACHE_PASSWORD_FILE": str(valkey.password_file),
        "CHATSYSTEM_QUEUE_URL": valkey.url,
        "CHATSYSTEM_QUEUE_PASSWORD_FILE": str(valkey.password_file),
        "CHATSYSTEM_FILES_URL": f"file://{tmp_path / 'files'}",
        "CHATSYSTEM_FILE_PORT": str(ports[0]),
        "CHATSYSTEM_USER_PORT": str(ports[1]),
        "CHATSYSTEM_METRICS_PORT": str(ports[2]),
        "CHATSYSTEM_START_TIMEOUT": "1",
    }


def run(*arguments, environment):
    command = [sys.executable, "-m", "services.runtime.main", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def start(tmp_path, environment):
    started = []

    def start_process(*arguments, **changes):
        process = Process(
            "services",
            [sys.executable, "-m", "services.runtime.main", *arguments],
            tmp_path / "services.log",
            environment | changes,
        )
        process.start()
        started.append(process)
        return process

    yield start_process
    for process in started:
        process.stop()


def health(environment, path="/readyz"):
    return fetch(f"http://127.0.0.1:{environment['CHATSYSTEM_METRICS_PORT']}{path}")


def wait_ready(process, environment):
    def ready():
        assert process.running, process.output()
        return health(environment)[0] == 200

    wait_for(ready, 30, "the process is ready", pause=0.02)


def test_usage_errors_exit_2_and_say_what_is_known(environment):
    for arguments, said in (([], "usage"), (["gatewai"], "gateway"), (["migrate", "user"], "stands alone")):
        code, output = run(*arguments, environment=environment)
        assert code == 2
        assert said in output
        assert "Traceback" not in output


def test_a_wrong_environment_exits_2_with_every_problem(environment):
    broken = environment | {"CHATSYSTEM_DATABASE_URL": "nosuch://x", "CHATSYSTEM_FILE_PORT": "x"}
    code, output = run("file", environment=broken)
    assert code == 2
    assert "CHATSYSTEM_DATABASE_URL" in output
    assert "CHATSYSTEM_FILE_PORT" in output


def test_migrate_is_idempotent_and_says_what_it_did(environment):
    code, output = run("migrate", environment=environment)
    assert (code, "0001_initial.sql" in output) == (0, True)
    code, output = run("migrate", environment=environment)
    assert (code, "current" in output) == (0, True)


def test_a_migration_that_fails_exits_1(environment, tmp_path):
    (tmp_path / "sql" / "sqlite").mkdir(parents=True)
    (tmp_path / "sql" / "sqlite" / "0001_bad.sql").write_text("CREATE NONSENSE;\n")
    code, output = run("migrate", environment=environment | {"CHATSYSTEM_SQL_DIR": str(tmp_path / "sql")})
    assert code == 1
    assert "0001_bad.sql failed" in output


def test_a_database_without_a_schema_exits_1_and_names_the_remedy(environment):
    code, output = run("file", environment=environment)
    assert code == 1
    assert "run chatsystem-services migrate" in output
    assert "Traceback" not in output


def test_a_store_that_stays_away_exits_1_and_is_named(environment):
    run("migrate", environment=environment)
    away = environment | {"CHATSYSTEM_CACHE_URL": f"redis://127.0.0.1:{free_ports(1)[0]}/0"}
    code, output = run("user", environment=away)
    assert code == 1
    assert "Redis server cannot be reached" in output


def test_a_service_that_cannot_start_exits_1_and_is_named(environment):
    run("migrate", environment=environment)
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, output = run("gateway", environment=environment | {"CHATSYSTEM_GATEWAY_PORT": port})
    assert code == 1
    assert "service gateway did not start" in output


def test_a_taken_metrics_port_exits_1_and_is_named(environment):
    run("migrate", environment=environment)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environment["CHATSYSTEM_METRICS_PORT"])))
        taken.listen()
        code, output = run("file", environment=environment)
    assert code == 1
    assert "CHATSYSTEM_METRICS_PORT" in output


def test_a_started_process_is_ready_drains_at_sigterm_and_exits_0(start, environment, valkey):
    run("migrate", environment=environment)
    process = start(*SERVICES, CHATSYSTEM_LOG_FORMAT="json")
    wait_ready(process, environment)
    report = json.loads(health(environment)[1])
    assert report["checks"] == dict.fromkeys(["database", "cache", "files"], "ok")
    process.signal(signal.SIGTERM)
    assert process.wait(20) == 0
    records = [json.loads(line) for line in process.output().splitlines()]
    messages = [record["message"] for record in records]
    assert messages.index("service file started") < messages.index("service user started")
    assert messages[-2:] == ["draining", "stopped"]
    assert valkey.password not in process.output()


def test_a_split_process_is_in_the_registry_while_it_runs(start, environment, valkey, tmp_path):
    from services.stores.redis_registry import RedisRegistry

    (tmp_path / "secret").write_text("a-long-enough-secret")
    shared = {
        "CHATSYSTEM_REGISTRY_URL": valkey.url,
        "CHATSYSTEM_REGISTRY_PASSWORD_FILE": str(valkey.password_file),
        "CHATSYSTEM_RPC_SECRET_FILE": str(tmp_path / "secret"),
        "CHATSYSTEM_INSTANCE": tmp_path.name.replace("_", "-"),
    }

    def registered():
        async def ask():
            registry = RedisRegistry(valkey.url, valkey.access)
            instances = await registry.instances("file")
            await registry.close()
            return [each.address for each in instances if each.id == shared["CHATSYSTEM_INSTANCE"]]

        return asyncio.run(ask())

    run("migrate", environment=environment)
    process = start("file", **shared)
    wait_ready(process, environment)
    assert registered() == [f"127.0.0.1:{environment['CHATSYSTEM_FILE_PORT']}"]
    process.signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert registered() == []


def test_a_second_signal_ends_the_process_at_once(start, environment):
    run("migrate", environment=environment)
    process = start(
        "gateway",
        CHATSYSTEM_HOST="127.0.0.1",
        CHATSYSTEM_GATEWAY_PORT="0",
        CHATSYSTEM_GATEWAY_WEBSOCKET_PORT="0",
        CHATSYSTEM_GATEWAY_DRAIN_WINDOW="60s",
        CHATSYSTEM_DRAIN_TIMEOUT="60",
    )
    wait_ready(process, environment)
    port = int(process.output().split("websocket on port ")[1].split()[0])
    with socket.create_connection(("127.0.0.1", port)):  # something to drain
        process.signal(signal.SIGTERM)
        wait_for(lambda: "draining" in process.output(), 10, "it drains", pause=0.01)
        process.signal(signal.SIGTERM)
        assert process.wait(3) in {0, 1, -signal.SIGTERM}  # the last: it came when the loop was closed already


def test_readiness_follows_the_cache(start, environment, tmp_path):
    from tests.testbed.valkey import Valkey

    own = Valkey(tmp_path / "own")
    own.start()
    run("migrate", environment=environment)
    process = start(
        "user",
        CHATSYSTEM_CACHE_URL=own.url,
        CHATSYSTEM_CACHE_PASSWORD_FILE=str(own.password_file),
    )
    wait_ready(process, environment)
    own.process.kill()
    wait_for(lambda: health(environment)[0] == 503, 15, "not ready without its cache")
    assert "cannot be reached" in health(environment)[1]
    own.start()
    wait_for(lambda: health(environment)[0] == 200, 15, "ready again")
    own.process.stop()


def test_a_store_that_comes_up_late_is_waited_for(start, environment, tmp_path):
    from tests.testbed.valkey import Valkey

    run("migrate", environment=environment)
    late = Valkey(tmp_path / "late")
    process = start(
        "user",
        CHATSYSTEM_CACHE_URL=late.url,
        CHATSYSTEM_CACHE_PASSWORD_FILE=str(late.password_file),
        CHATSYSTEM_START_TIMEOUT="20",
    )
    wait_for(lambda: "waiting for a store" in process.output(), 20, "it waits", pause=0.02)
    assert health(environment)[0] == 503
    late.start()
    wait_ready(process, environment)
    late.process.stop()


def test_idle_memory_of_one_process_with_everything(start, environment):
    run("migrate", environment=environment)
    process = start(
        "all", CHATSYSTEM_HOST="127.0.0.1", CHATSYSTEM_GATEWAY_PORT="0", CHATSYSTEM_GATEWAY_WEBSOCKET_PORT="0"
    )
    wait_ready(process, environment)
    time.sleep(0.2)
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    assert pages * os.sysconf("SC_PAGESIZE") < 110e6
    assert fetch(f"http://127.0.0.1:{environment['CHATSYSTEM_METRICS_PORT']}/metrics")[0] == 200
