"""What is kept in the state directory: declarations, secrets, logs, locks."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from controller.blueprint.workload import Probe, Secret
from controller.engine.model import Event, Revision, Verdict
from controller.engine.ports import InvalidDeclaration
from controller.targets.local import logs, records, secrets
from controller.targets.local.layout import StateDir, SystemPaths, default_state_dir
from controller.targets.local.lease import Lease, holder
from controller.targets.local.store import LocalStore
from controller.targets.local.target import LocalTarget

if TYPE_CHECKING:
    from tests.controller.targets.local.conftest import Machine


def document(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "acme"}, "spec": {"version": "1", **spec}}


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(StateDir(tmp_path))


async def test_the_generation_grows_with_the_spec_only(store: LocalStore) -> None:
    assert (await store.put(document(), author="ann")).generation == 1
    assert (await store.put({**document(), "metadata": {"name": "acme", "labels": {}}}, author="ann")).generation == 1
    assert (await store.put(document(suspend=True), author="bob")).generation == 2
    kept = await store.get("acme")
    assert kept is not None
    assert (kept.author, kept.document["spec"]["suspend"]) == ("bob", True)


async def test_a_pause_outlives_a_change_and_a_deletion_mark_does_not(store: LocalStore) -> None:
    await store.put(document(), author="ann")
    await store.set_paused("acme", True)
    await store.mark_deleted("acme")
    kept = await store.put(document(), author="ann")
    assert (kept.paused, kept.deleting) == (True, False)


@pytest.mark.parametrize("name", ["nobody", "../acme", "", "UPPER", "a/b"])
async def test_an_unknown_or_impossible_name_is_no_system(store: LocalStore, name: str) -> None:
    assert await store.get(name) is None
    with pytest.raises(KeyError):
        await store.set_paused(name, True)


async def test_an_equal_status_is_not_written_again(store: LocalStore, tmp_path: Path) -> None:
    await store.put(document(), author="ann")
    path = tmp_path / "systems" / "acme" / "status.json"
    await store.write_status("acme", {"phase": "Running"})
    before = path.stat().st_ino
    await store.write_status("acme", {"phase": "Running"})
    assert path.stat().st_ino == before
    await store.write_status("acme", {"phase": "Stalled"})
    assert path.stat().st_ino != before


async def test_what_a_crash_left_half_written_is_passed_over(store: LocalStore, tmp_path: Path) -> None:
    await store.put(document(), author="ann")
    await store.record_event("acme", Event(1.0, "Normal", "Started", "services"))
    with (tmp_path / "systems" / "acme" / "events.jsonl").open("a") as file:
        file.write('{"time": 2.0, "ty')
    (tmp_path / "systems" / "acme" / "status.json").write_text("{")
    assert [event.message for event in await store.events("acme")] == ["services"]
    assert (await store.get("acme")).status == {}  # type: ignore[union-attr]


async def test_a_damaged_declaration_is_an_invalid_one_and_can_be_given_again(
    store: LocalStore, tmp_path: Path
) -> None:
    await store.put(document(), author="ann")
    (tmp_path / "systems" / "acme" / "declaration.json").write_text('{"docu')
    damaged = await store.get("acme")
    assert damaged is not None
    assert damaged.document == {}
    assert (await store.put(document(), author="ann")).generation == 1


async def test_a_damaged_declaration_can_be_deleted(store: LocalStore, tmp_path: Path) -> None:
    await store.put(document(), author="ann")
    (tmp_path / "systems" / "acme" / "declaration.json").write_text('{"docu')
    await store.mark_deleted("acme")
    assert (await store.get("acme")).deleting  # type: ignore[union-attr]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"number": 1}', "null"])
async def test_a_damaged_revision_is_passed_over(store: LocalStore, tmp_path: Path, content: str) -> None:
    await store.record_revision("acme", Revision(1, 1, 1.0, "ann", document(), "", Verdict.RELEASED))
    for name in ("2.json", "notes.json"):
        (tmp_path / "systems" / "acme" / "revisions" / name).write_text(content)
    await store.record_revision("acme", Revision(3, 3, 1.0, "ann", document(), "", Verdict.PENDING))
    assert [item.number for item in await store.revisions("acme")] == [1, 3]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"id": "a"}', "null", '"text"'])
def test_damaged_records_are_passed_over(tmp_path: Path, content: str) -> None:
    paths = SystemPaths(tmp_path / "acme")
    for folder in (paths.instances, paths.jobs, paths.slots):
        folder.mkdir(parents=True)
        (folder / "child-0.json").write_text(content)
    assert records.load_instances(paths) == []
    assert records.damaged_instances(paths) == ["child-0"]
    assert records.load_jobs(paths) == []
    assert records.slots(paths) == {"child-0": {}}


def test_a_record_of_another_version_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    paths = SystemPaths(tmp_path / "acme")
    probe = {"port": "metrics", "path": "/readyz", "of-a-later-version": 1}
    kept = {"id": "a", "workload": "child", "index": 0, "digest": "d", "spawned_at": 1.0, "ready": probe, "later": {}}
    paths.instances.mkdir(parents=True)
    (paths.instances / "a.json").write_text(json.dumps(kept))
    (record,) = records.load_instances(paths)
    assert record.ready == Probe("metrics", "/readyz")


async def test_events_are_bounded(store: LocalStore, tmp_path: Path) -> None:
    for number in range(700):
        await store.record_event("acme", Event(float(number), "Normal", "Started", "x" * 1000))
    found = await store.events("acme")
    assert found[-1].time == 699.0
    assert len(found) <= 500
    assert (tmp_path / "systems" / "acme" / "events.jsonl").stat().st_size < 600_000


async def test_as_many_revisions_are_kept_as_declared(store: LocalStore) -> None:
    kept = document(release={"historyLimit": 2})
    for number in (1, 2, 10):
        await store.record_revision("acme", Revision(number, number, 1.0, "ann", kept, "", Verdict.RELEASED))
    assert [item.number for item in await store.revisions("acme")] == [2, 10]
    assert (await store.revisions("acme"))[0].verdict is Verdict.RELEASED


async def test_the_last_good_revision_is_kept_however_many_failed_since(store: LocalStore) -> None:
    kept = document(release={"historyLimit": 2})
    verdicts = {1: Verdict.RELEASED, 2: Verdict.RELEASED, 3: Verdict.FAILED, 4: Verdict.FAILED, 5: Verdict.FAILED}
    for number, verdict in verdicts.items():
        await store.record_revision("acme", Revision(number, number, 1.0, "ann", kept, "", verdict))
    assert [item.number for item in await store.revisions("acme")] == [2, 4, 5]


async def test_watching_tells_what_exists_and_then_what_changes(store: LocalStore) -> None:
    await store.put(document(), author="ann")
    seen = store.watch()
    async with asyncio.timeout(10):
        assert await anext(seen) == "acme"
        await store.set_paused("acme", True)
        assert await anext(seen) == "acme"
        await store.remove("acme")
        assert await anext(seen) == "acme"
    assert await store.names() == []


def test_secrets_are_readable_by_their_owner_only_and_keep_their_values(tmp_path: Path) -> None:
    paths = SystemPaths(tmp_path / "acme")
    secrets.create(paths, Secret("valkey", ("password",)))
    first = secrets.path_of(paths, "valkey", "password").read_text()
    secrets.create(paths, Secret("valkey", ("password", "other")))
    assert secrets.path_of(paths, "valkey", "password").read_text() == first
    assert len(first) >= 32
    assert stat.S_IMODE(secrets.path_of(paths, "valkey", "other").stat().st_mode) == 0o600
    assert secrets.existing(paths) == {"valkey": ("other", "password")}


async def test_a_log_is_rotated_under_a_process_that_goes_on_writing(machine: Machine) -> None:
    from controller.engine.model import Action

    machine.child("""
        import sys, time
        for number in range(10_000):
            print(number, "x" * 100, flush=True)
            time.sleep(0.002)
    """)
    await machine.do(Action.START, "child")
    path = machine.paths.log("child", 0)
    for _ in range(4):
        await machine.until(lambda _: path.stat().st_size > 3000)
        assert logs.rotate(path, 3000, 3)
        assert path.stat().st_size < 3000
    await machine.until(lambda _: path.stat().st_size > 500)
    assert b"\0" not in path.read_bytes()
    assert sorted(item.name for item in path.parent.iterdir()) == ["child-0.log", "child-0.log.1", "child-0.log.2"]


def test_a_small_log_is_left_alone_and_fewer_files_can_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("x" * 10)
    assert not logs.rotate(path, 10, 3)
    for name in ("a.log.1", "a.log.2"):
        (tmp_path / name).write_text("old")
    assert logs.rotate(path, 5, 1)
    assert [item.name for item in tmp_path.iterdir()] == ["a.log"]


async def test_following_a_log_survives_its_rotation(tmp_path: Path) -> None:
    path = tmp_path / "services-0.log"
    path.write_text("one\ntwo\nthr")
    lines = logs.read(lambda: [path], follow=True, tail=1)
    async with asyncio.timeout(10):
        assert await anext(lines) == ("services-0", "two")
        path.write_text("one\ntwo\nthree\n")
        assert await anext(lines) == ("services-0", "three")
        path.write_text("new\n")
        assert await anext(lines) == ("services-0", "new")


def test_one_process_holds_a_lease_until_it_dies(tmp_path: Path) -> None:
    path = tmp_path / "acme.lock"
    script = (
        "import sys, time; from pathlib import Path; from controller.targets.local.lease import Lease\n"
        "lease = Lease(); print(lease.acquire(Path(sys.argv[1])), flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline() == b"True\n"
    lease = Lease()
    assert not lease.acquire(path)
    assert holder(path) == other.pid
    other.kill()
    other.communicate()
    assert holder(path) is None
    assert lease.acquire(path)
    assert lease.acquire(path)
    assert holder(path) == os.getpid()
    lease.release(path)
    assert holder(path) is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"CHATSYSTEM_STATE_DIR": "/s", "XDG_STATE_HOME": "/x"}, Path("/s")),
        ({"XDG_STATE_HOME": "/x"}, Path("/x/chatsystem")),
        ({}, Path.home() / ".local/state/chatsystem"),
    ],
)
def test_the_state_directory_follows_the_environment(environment: dict[str, str], expected: Path) -> None:
    assert default_state_dir(environment) == expected


def test_a_look_at_a_lock_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "acme.lock"
    path.touch()
    looking = os.open(path, os.O_RDWR)
    fcntl.flock(looking, fcntl.LOCK_SH)
    release = threading.Timer(0.05, os.close, [looking])
    release.start()
    assert Lease().acquire(path)
    release.join()


def test_a_lock_that_could_not_be_signed_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    lease = Lease()
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space"):
            lease.acquire(tmp_path / "acme.lock")
    assert lease.acquire(tmp_path / "acme.lock")


def test_encrypted_ports_are_refused_where_nothing_would_encrypt_them(tmp_path: Path) -> None:
    head = {"apiVersion": "chatsystem.dev/v1alpha1", "kind": "ChatSystem", "metadata": {"name": "acme"}}
    declared = {**head, "spec": {"version": "1", "exposure": {"tls": {"secretName": "certificate"}}}}
    with pytest.raises(InvalidDeclaration, match=r"spec\.exposure\.tls: the local target does not encrypt"):
        LocalTarget(StateDir(tmp_path)).blueprint(declared)
