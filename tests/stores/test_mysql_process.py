"""The services' process on MySQL, as its operator sees it: migrate, serve, a server that is away, clear words."""

import json
import signal
import subprocess
import sys

import pytest

from tests.testbed.process import Process, free_ports, wait_for
from tests.testbed.system import ROOT, clean_environment, fetch


@pytest.fixture
def environment(tmp_path, valkey, mysql):
    with mysql.database(migrated=False) as target:
        (tmp_path / "username").write_text(target.access.username)
        (tmp_path / "password").write_text(target.access.password + "\n")
        ports = free_ports(3)
        host, port = target.addresses[0]
        nobody = free_ports(1)[0]
        yield clean_environment() | {
            "CHATSYSTEM_DATABASE_URL": f"mysql://127.0.0.1:{nobody},{host}:{port}/{target.database}",
            "CHATSYSTEM_DATABASE_USERNAME_FILE": str(tmp_path / "username"),
            "CHATSYSTEM_DATABASE_PASSWORD_FILE": str(tmp_path / "password"),
            "CHATSYSTEM_CACHE_URL": valkey.url,
            "CHATSYSTEM_CACHE_PASSWORD_FILE": str(valkey.password_file),
            "CHATSYSTEM_QUEUE_URL": valkey.url,
            "CHATSYSTEM_QUEUE_PASSWORD_FILE": str(valkey.password_file),
            "CHATSYSTEM_FILES_URL": f"file://{tmp_path / 'files'}",
            "CHATSYSTEM_FILE_PORT": str(ports[0]),
            "CHATSYSTEM_STORE_PORT": str(ports[1]),
            "CHATSYSTEM_METRICS_PORT": str(ports[2]),
            "CHATSYSTEM_START_TIMEOUT": "1",
        }


def run(*arguments, environment):
    command = [sys.executable, "-m", "services.runtime.main", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    return done.returncode, done.stdout + done.stderr


def test_a_process_migrates_serves_and_stops(environment, tmp_path):
    code, output = run("file", environment=environment)
    assert (code, "run chatsystem-services migrate" in output) == (1, True), output
    code, output = run("migrate", environment=environment)
    assert (code, "applied 0001_initial.sql" in output) == (0, True), output
    code, output = run("migrate", environment=environment)
    assert (code, "the schema is current" in output) == (0, True), output

    process = Process(
        "services",
        [sys.executable, "-m", "services.runtime.main", "file", "store"],
        tmp_path / "services.log",
        environment,
    )
    process.start()
    try:
        address = f"http://127.0.0.1:{environment['CHATSYSTEM_METRICS_PORT']}/readyz"

        def ready():
            assert process.running, process.output()
            return fetch(address)[0] == 200

        wait_for(ready, 30, "the process is ready", pause=0.02)
        assert json.loads(fetch(address)[1])["checks"]["database"] == "ok"
        process.signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.stop()
    secret = (tmp_path / "password").read_text().strip()
    assert secret not in process.output()


@pytest.mark.parametrize("command", ["migrate", "file"])
def test_a_server_that_is_away_is_named(environment, command):
    away = environment | {"CHATSYSTEM_DATABASE_URL": f"mysql://127.0.0.1:{free_ports(1)[0]}/chen_im"}
    code, output = run(command, environment=away)
    assert code == 1
    assert "the database cannot be reached: 127.0.0.1:" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("command", ["migrate", "file"])
def test_a_wrong_password_is_told_at_once(environment, tmp_path, command):
    wrong = tmp_path / "wrong"
    wrong.write_text("not the password")
    code, output = run(command, environment=environment | {"CHATSYSTEM_DATABASE_PASSWORD_FILE": str(wrong)})
    assert code == 1
    assert "CHATSYSTEM_DATABASE_PASSWORD_FILE" in output
    assert "not the password" not in output
    assert "Traceback" not in output
