"""Managed stores as servers of their own: what each image is told, and the scripts that start some of them, run for real."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis

from controller.api.validate import parse_system
from controller.blueprint.build import build
from controller.blueprint.part import Profile
from controller.blueprint.workload import Kind, Workload
from controller.targets.local.programs import valkey_server
from tests.testbed.manifests import declaration
from tests.testbed.process import Process, free_ports, wait_for

STORES = ("mysql", "redis", "rabbitmq", "elasticsearch", "etcd")
PASSWORD = "a-Password_of-24-letters"


def store(name: str, **settings: Any) -> Workload:
    document = declaration(stores={name: {"managed": settings}})
    workload = build(parse_system(document), Profile(embedded=False)).workload(name)
    assert workload is not None
    return workload


def placed(workload: Workload, folder: Path, **references: str) -> tuple[list[str], dict[str, str]]:
    """Its command line and environment with files below `folder` in place of a container's."""
    known = {f"{{volume:{workload.name}}}": str(folder / "data"), **references}

    def resolved(text: str) -> str:
        for reference, value in known.items():
            text = text.replace(reference, value)
        return text.replace("/run/", f"{folder}/run/")

    environment = {name: resolved(text) for name, text in workload.environment.items()}
    for name, (_, key) in workload.secrets.items():
        (folder / key).write_text(f"{PASSWORD}-{key}")
        environment[name] = str(folder / key)
    for scratch in workload.scratch:
        Path(resolved(scratch.mount)).mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    return [resolved(text) for text in (*workload.command, *workload.arguments)], environment


@pytest.mark.parametrize("name", STORES)
def test_secrets_reach_a_store_as_files_alone(name: str) -> None:
    workload = store(name)
    assert workload.kind is Kind.STORE
    assert all(variable.endswith("_FILE") for variable in workload.secrets)
    words = [*workload.environment, *workload.arguments]
    assert not [word for word in words if "PASS" in word.upper().replace("PASSWORD_FILE", "")]


@pytest.mark.parametrize("name", STORES)
def test_a_store_may_take_its_time_when_it_starts_and_is_stopped_before_its_successor_starts(name: str) -> None:
    workload = store(name)
    assert workload.ready is not None
    assert workload.ready.deadline >= 180
    assert workload.live is None
    assert workload.update == "stop-first"


@pytest.mark.parametrize(
    ("name", "user", "group"),
    [
        ("mysql", 999, None),
        ("redis", 999, None),
        ("rabbitmq", 999, None),
        ("elasticsearch", 1000, 0),
        ("etcd", None, None),
    ],
)
def test_a_store_runs_as_the_user_of_its_image(name: str, user: int | None, group: int | None) -> None:
    assert (store(name).user, store(name).group) == (user, group)


@pytest.mark.parametrize("name", STORES)
def test_a_script_is_one_that_a_plain_shell_understands(name: str) -> None:
    command = store(name).command
    if command:
        assert command[:2] == ("sh", "-ec")
        subprocess.run(["sh", "-n", "-c", command[2]], check=True)


def test_mysql_makes_its_data_in_a_folder_of_the_volume_and_caches_half_of_its_memory() -> None:
    arguments = store("mysql", resources={"limits": {"memory": "4Gi"}}).arguments
    assert "--datadir={volume:mysql}/data" in arguments
    assert f"--innodb-buffer-pool-size={2 * 2**30}" in arguments
    assert not any("buffer-pool" in argument for argument in store("mysql").arguments)


@pytest.mark.parametrize(
    ("settings", "bound"),
    [
        ({}, None),
        ({"resources": {"limits": {"memory": "1Gi"}}}, 768 * 2**20),
        ({"resources": {"limits": {"memory": "1Gi"}}, "maxMemory": "100Mi"}, 100 * 2**20),
    ],
)
def test_redis_keeps_a_quarter_of_its_memory_free(settings: dict[str, Any], bound: int | None) -> None:
    arguments = store("redis", **settings).arguments
    found = arguments[arguments.index("--maxmemory") + 1] if "--maxmemory" in arguments else None
    assert found == (None if bound is None else str(bound))


def test_elasticsearch_needs_nothing_of_the_node_s_kernel() -> None:
    assert "-Enode.store.allow_mmap=false" in store("elasticsearch").arguments


def test_redis_asks_for_the_password_which_is_in_none_of_its_arguments(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    command, environment = placed(store("redis"), tmp_path, **{"{port:client}": str(port)})
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "valkey-server").symlink_to(valkey_server())
    environment["PATH"] = f"{programs}:{os.environ['PATH']}"
    server = Process("redis", command, tmp_path / "log", environment)
    server.start()
    try:
        client = redis.Redis(port=port, password=f"{PASSWORD}-password")
        wait_for(lambda: answers(client), 30.0, "the server answers")
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port).ping()
        assert PASSWORD not in Path(f"/proc/{server.pid}/cmdline").read_text()
        assert not [
            path for path in (tmp_path / "data").rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()
        ]
    finally:
        server.stop()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_rabbitmq_finds_its_cookie_and_its_first_user_in_a_home_that_is_its_own_at_each_start(tmp_path: Path) -> None:
    command, environment = placed(store("rabbitmq"), tmp_path)
    programs = tmp_path / "programs"
    programs.mkdir()
    server = programs / "rabbitmq-server"
    server.write_text("#!/bin/sh\ncat $RABBITMQ_CONFIG_FILE\n")
    server.chmod(0o755)
    environment["PATH"] = f"{programs}:{os.environ['PATH']}"
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == f"default_user = {PASSWORD}-username\ndefault_pass = {PASSWORD}-password\n"
    cookie = Path(environment["HOME"]) / ".erlang.cookie"
    assert cookie.read_text() == f"{PASSWORD}-cookie"
    assert stat.S_IMODE(cookie.stat().st_mode) == 0o400
