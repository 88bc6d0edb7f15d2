"""The embedded Valkey server, for real."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis.asyncio as redis

from controller.api.validate import parse_system
from controller.blueprint import valkey
from controller.blueprint.part import Profile
from controller.blueprint.workload import Blueprint
from controller.engine.model import Action, Health
from controller.targets.local import identity, records
from controller.targets.local.programs import valkey_server

if TYPE_CHECKING:
    from tests.controller.targets.local.conftest import Machine


def declared(machine: Machine, persistence: str) -> None:
    document = {
        "apiVersion": "chatsystem.dev/v1alpha1",
        "kind": "ChatSystem",
        "metadata": {"name": "acme"},
        "spec": {"version": "1", "stores": {"redis": {"managed": {"persistence": persistence}}}},
    }
    workload = valkey.workload(parse_system(document), Profile(embedded=True))
    machine.blueprint = Blueprint("acme", (workload,), (valkey.SECRET,))


def client(machine: Machine, password: str | None) -> redis.Redis:
    (record,) = records.load_instances(machine.paths)
    return redis.Redis(host="127.0.0.1", port=record.ports["client"], password=password)


def password(machine: Machine) -> str:
    return (machine.paths.secrets / "valkey" / "password").read_text()


async def start(machine: Machine) -> None:
    await machine.do(Action.CREATE_SECRET, "valkey")
    await machine.do(Action.START, "valkey")
    await machine.until(lambda state: state.instances[0].health is Health.HEALTHY)


@pytest.mark.parametrize("persistence", ["none", "rdb", "aof"])
async def test_it_starts_with_every_kind_of_persistence_and_evicts_nothing(machine: Machine, persistence: str) -> None:
    declared(machine, persistence)
    await start(machine)
    async with client(machine, password(machine)) as connection:
        assert await connection.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        expected = {"none": ("no", ""), "rdb": ("no", "60 1"), "aof": ("yes", "")}[persistence]
        found = await connection.config_get("appendonly", "save")
        assert (found["appendonly"], found["save"]) == expected


async def test_nobody_gets_in_without_the_password_and_no_process_list_shows_it(machine: Machine) -> None:
    declared(machine, "aof")
    await start(machine)
    async with client(machine, None) as stranger:
        with pytest.raises(redis.AuthenticationError):
            await stranger.ping()
    folder = Path(f"/proc/{machine.pid()}")
    assert password(machine).encode() not in (folder / "cmdline").read_bytes()
    assert password(machine).encode() not in (folder / "environ").read_bytes()


async def test_port_and_data_outlive_its_death(machine: Machine) -> None:
    declared(machine, "aof")
    await start(machine)
    (before,) = records.load_instances(machine.paths)
    async with client(machine, password(machine)) as connection:
        await connection.set("key", "value")
    assert before.identity is not None
    identity.send(before.identity, signal.SIGKILL)
    state = await machine.until(lambda state: state.instances[0].health is Health.EXITED)
    await machine.do(Action.RESTART, "valkey", 0, state.instances[0].id)
    await machine.until(lambda state: state.instances[0].health is Health.HEALTHY)
    (after,) = records.load_instances(machine.paths)
    assert after.ports == before.ports
    async with client(machine, password(machine)) as connection:
        assert await connection.get("key") == b"value"


async def test_one_that_hangs_is_noticed_although_the_kernel_still_takes_its_connections(machine: Machine) -> None:
    declared(machine, "aof")
    (workload,) = machine.blueprint.workloads
    assert workload.ready is not None
    impatient = replace(workload.ready, interval=0.1, timeout=0.1, deadline=0.3)
    machine.add(replace(workload, ready=impatient, live=impatient))
    await start(machine)
    os.kill(machine.pid(), signal.SIGSTOP)
    state = await machine.until(lambda state: state.instances[0].health is Health.FAILED)
    await machine.do(Action.RESTART, "valkey", 0, state.instances[0].id)
    await machine.until(lambda state: state.instances[0].health is Health.HEALTHY)


async def test_it_is_found_by_its_token(machine: Machine) -> None:
    declared(machine, "aof")
    await start(machine)
    (record,) = records.load_instances(machine.paths)
    records.save_instance(machine.paths, replace(record, identity=None))
    assert machine.only().health is Health.HEALTHY


def test_the_server_of_the_package_is_found() -> None:
    assert valkey_server().name == "valkey-server"
