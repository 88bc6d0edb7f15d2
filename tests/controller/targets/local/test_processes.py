"""Processes: started, found again, stopped, and never mistaken for a stranger's."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from controller.blueprint.workload import Kind
from controller.engine.backoff import RESTARTS, SETTLED_AFTER
from controller.engine.model import Action, Health
from controller.engine.ports import TargetError
from controller.targets.local import identity, records
from controller.targets.local.programs import Place

if TYPE_CHECKING:
    from tests.controller.targets.local.conftest import Machine

SLEEPER = "import time; print('up', flush=True); time.sleep(120)"
STUBBORN = """
    import signal, time
    signal.signal(signal.SIGTERM, lambda *_: print('no', flush=True))
    print('up', flush=True)
    while True: time.sleep(1)
"""


async def test_a_process_is_found_again_by_another_controller(machine: Machine) -> None:
    machine.child(SLEEPER)
    await machine.do(Action.START, "child")
    before = machine.only()
    machine.new_controller()
    state = await machine.until(lambda state: state.instances[0].health is Health.HEALTHY)
    assert (state.instances[0].id, state.instances[0].digest) == (before.id, before.digest)


async def test_a_process_whose_id_was_never_recorded_is_found_by_its_token(machine: Machine) -> None:
    machine.child(SLEEPER)
    await machine.do(Action.START, "child")
    (record,) = records.load_instances(machine.paths)
    records.save_instance(machine.paths, replace(record, identity=None))
    await machine.until(lambda state: state.instances[0].health is Health.HEALTHY)
    (found,) = records.load_instances(machine.paths)
    assert found.identity == record.identity


async def test_a_start_that_was_cut_off_before_the_process_began_counts_as_a_death(machine: Machine) -> None:
    machine.child(SLEEPER)
    await machine.do(Action.START, "child")
    os.kill(machine.pid(), signal.SIGKILL)
    await machine.until(lambda state: state.instances[0].health is Health.EXITED)
    (record,) = records.load_instances(machine.paths)
    records.save_instance(machine.paths, replace(record, identity=None, exited_at=None))
    assert machine.only().health is Health.EXITED


async def test_a_stranger_with_the_recycled_process_id_is_neither_adopted_nor_killed(
    machine: Machine, stranger: subprocess.Popen[bytes]
) -> None:
    machine.child(SLEEPER)
    await machine.do(Action.START, "child")
    (record,) = records.load_instances(machine.paths)
    assert record.identity is not None
    identity.send(record.identity, signal.SIGKILL)
    recycled = replace(record, identity=replace(record.identity, pid=stranger.pid))
    records.save_instance(machine.paths, recycled)

    assert machine.only().health is Health.EXITED
    records.save_instance(machine.paths, recycled)
    await machine.do(Action.RESTART, "child", 0, record.id)
    records.save_instance(machine.paths, recycled)
    await machine.do(Action.STOP, "child", 0, record.id)
    assert stranger.poll() is None


async def test_a_process_of_an_earlier_boot_is_gone(machine: Machine, stranger: subprocess.Popen[bytes]) -> None:
    alive = identity.identify(stranger.pid)
    assert alive is not None
    assert identity.is_alive(alive)
    assert not identity.is_alive(replace(alive, boot="another"))
    assert not identity.send(replace(alive, start="1"), signal.SIGKILL)
    assert stranger.poll() is None


async def test_a_stop_is_asked_for_politely_and_then_forgotten(machine: Machine) -> None:
    machine.child("""
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(0)))
        print('up', flush=True)
        time.sleep(120)
    """)
    await machine.do(Action.START, "child")
    await machine.until(lambda _: "up" in machine.log())
    await machine.do(Action.STOP, "child", 0, machine.only().id)
    await machine.until(lambda state: not state.instances)
    assert "bye" in machine.log()


async def test_who_does_not_stop_within_its_grace_is_killed(machine: Machine) -> None:
    machine.child(STUBBORN, stop_grace=0.2)
    await machine.do(Action.START, "child")
    await machine.until(lambda _: "up" in machine.log())
    await machine.do(Action.STOP, "child", 0, machine.only().id)
    assert machine.only().health is Health.STOPPING
    await machine.until(lambda state: not state.instances)
    assert "no" in machine.log()


async def test_a_stop_survives_the_controller_that_ordered_it(machine: Machine) -> None:
    machine.child(STUBBORN, stop_grace=0.2)
    await machine.do(Action.START, "child")
    await machine.until(lambda _: "up" in machine.log())
    await machine.do(Action.STOP, "child", 0, machine.only().id)
    os.kill(machine.pid(), 0)
    (record,) = records.load_instances(machine.paths)
    assert record.stopping_at is not None
    await machine.until(lambda state: not state.instances)


async def test_a_death_is_noted_with_its_exit_code_and_last_words(machine: Machine) -> None:
    machine.child("import sys; print('no room left'); sys.exit(3)")
    await machine.do(Action.START, "child")
    state = await machine.until(lambda state: state.instances[0].restarts)
    assert state.instances[0].health is Health.EXITED
    assert state.instances[0].message == "exit code 3; its last output: no room left"
    assert state.instances[0].restarts == 1


async def test_deaths_in_a_row_are_counted_and_restarts_delayed(machine: Machine) -> None:
    machine.child("raise SystemExit(1)")
    await machine.do(Action.START, "child")
    first = (await machine.until(lambda state: state.instances[0].restarts == 1)).instances[0]
    await machine.do(Action.RESTART, "child", 0, first.id)
    second = (await machine.until(lambda state: state.instances[0].restarts == 2)).instances[0]
    assert (first.restarts, second.restarts) == (1, 2)
    (record,) = records.load_instances(machine.paths)
    assert record.exited_at is not None
    assert record.retry_at > record.exited_at


async def test_a_clock_that_is_set_back_delays_no_restart_and_no_kill(machine: Machine) -> None:
    machine.child(STUBBORN, stop_grace=0.2)
    await machine.do(Action.START, "child")
    await machine.until(lambda _: "up" in machine.log())
    await machine.do(Action.STOP, "child", 0, machine.only().id)
    (record,) = records.load_instances(machine.paths)
    records.save_instance(machine.paths, replace(record, stopping_at=time.time() + 3600))
    await machine.until(lambda state: not state.instances)

    tomorrow = time.time() + 86_400
    records.save_instance(machine.paths, replace(record, stopping_at=None, exited_at=tomorrow, retry_at=tomorrow))
    assert machine.only().retry_at <= time.time() + RESTARTS.limit


async def test_a_process_whose_record_is_damaged_gives_way(machine: Machine) -> None:
    machine.child(SLEEPER)
    await machine.do(Action.START, "child")
    (record,) = records.load_instances(machine.paths)
    assert record.identity is not None
    (machine.paths.instances / f"{record.id}.json").write_text("")
    await machine.until(lambda _: not records.damaged_instances(machine.paths))
    assert not identity.is_alive(record.identity)


async def test_a_death_after_a_long_life_is_a_first_one(machine: Machine) -> None:
    machine.child(SLEEPER)
    await machine.do(Action.START, "child")
    (record,) = records.load_instances(machine.paths)
    long_ago = time.time() - SETTLED_AFTER - 1
    records.save_instance(machine.paths, replace(record, restarts=7, spawned_at=long_ago))
    os.kill(machine.pid(), signal.SIGKILL)
    state = await machine.until(lambda state: state.instances[0].health is Health.EXITED)
    assert (await machine.until(lambda state: state.instances[0].restarts == 1)).instances[0].id == state.instances[
        0
    ].id


async def test_a_hung_process_is_killed_for_its_restart(machine: Machine) -> None:
    machine.child(STUBBORN)
    await machine.do(Action.START, "child")
    await machine.until(lambda _: "up" in machine.log())
    pid = machine.pid()
    await machine.do(Action.RESTART, "child", 0, machine.only().id)
    assert machine.pid() != pid
    assert identity.identify(pid) is None
    assert machine.only().restarts == 1


async def test_a_program_that_is_missing_leaves_nothing_behind(machine: Machine) -> None:
    machine.child(SLEEPER, environment={"X": "{secret:absent:key}"})
    with pytest.raises(TargetError, match="the secret absent has no key key; put its value into the file"):
        await machine.do(Action.START, "child")
    assert machine.look().instances == ()


async def test_the_environment_holds_references_resolved_and_nothing_of_ours(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET", "private")
    machine.child(
        "import os, time; print(dict(os.environ), flush=True); time.sleep(120)",
        environment={"DATA": "{volume:files}/x", "ME": "{instance}"},
    )
    await machine.do(Action.START, "child")
    await machine.until(lambda _: "DATA" in machine.log())
    assert f"'DATA': '{machine.paths.data}/files/x'" in machine.log()
    assert f"'ME': '{machine.only().id}'" in machine.log()
    assert "AWS_SECRET" not in machine.log()


async def test_a_folder_is_percent_encoded_in_a_url_and_nowhere_else(machine: Machine) -> None:
    place = Place(machine.paths, "child", {"client": 1}, {"valkey:client": "127.0.0.1:1"})
    folder = str(machine.paths.data / "a #1?")
    assert place.resolve("{volume:a #1?}/x") == f"{folder}/x"
    assert place.resolve("file://{volume:a #1?}/x") == f"file://{machine.paths.data}/a%20%231%3F/x"
    assert place.resolve("redis://{address:valkey:client}/0") == "redis://127.0.0.1:1/0"


async def test_a_job_leaves_its_outcome_for_whoever_watches_by_then(machine: Machine) -> None:
    machine.child("import time; time.sleep(0.3)", name="migration", kind=Kind.JOB)
    await machine.do(Action.RUN_JOB, "migration")
    assert machine.look().jobs[0].succeeded is None
    machine.new_controller()
    state = await machine.until(lambda state: state.jobs[0].succeeded is not None)
    assert state.jobs[0].succeeded is True


async def test_a_job_that_fails_is_counted_and_told(machine: Machine) -> None:
    machine.child("print('locked'); raise SystemExit(1)", name="migration", kind=Kind.JOB)
    for attempt in (1, 2):
        await machine.do(Action.RUN_JOB, "migration")
        state = await machine.until(lambda state: state.jobs[0].succeeded is False)
        assert state.jobs[0].attempt == attempt
    assert state.jobs[0].message == "exit code 1; its last output: locked | locked"


async def test_a_job_that_hangs_is_ended(machine: Machine) -> None:
    machine.child("import time; time.sleep(120)", name="migration", kind=Kind.JOB, deadline=0.2)
    await machine.do(Action.RUN_JOB, "migration")
    state = await machine.until(lambda state: state.jobs[0].succeeded is False)
    assert state.jobs[0].message.startswith("it took too long")


async def test_what_is_forgotten_leaves_no_slot_and_no_running_job(machine: Machine) -> None:
    machine.child("import time; time.sleep(120)", name="migration", kind=Kind.JOB)
    await machine.do(Action.RUN_JOB, "migration")
    (job,) = records.load_jobs(machine.paths)
    assert job.identity is not None
    await machine.do(Action.FORGET, "migration")
    assert machine.look().leftovers == ()
    while identity.is_alive(job.identity):
        machine.children.collect()
