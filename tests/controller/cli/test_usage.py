"""Bad input: exit code 2, a sentence with the remedy, no traceback, nothing changed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from controller.cli import reference
from controller.cli.main import program

Chatsystem = Callable[..., Result]
ROOT = Path(__file__).resolve().parents[3]

VERBS = (
    "up apply plan status wait events history rollback scale pause resume logs queue render delete doctor controller "
    "version"
)


def test_every_verb_is_there_and_explains_itself(chatsystem: Chatsystem) -> None:
    assert list(program.commands) == VERBS.split()
    for verb in program.commands:
        result = chatsystem(verb, "--help")
        assert result.exit_code == 0
        assert "Usage: " in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["strat"], "No such command 'strat'"),
        (["up", "--detatch"], "--detach"),
        (["scale", "chat"], "Missing argument"),
        (["scale", "chat", "gatway=3"], "did you mean gateway?"),
        (["scale", "chat", "gateway=three"], "write for example gateway=3"),
        (["scale", "chat", "gateway=-1"], "write for example gateway=3"),
        (["wait", "chat", "--timeout", "soon"], "'soon' is not a duration"),
        (["wait", "chat", "--for", "lunch"], "'lunch' is not one of"),
        (["rollback", "chat", "--to", "0"], "0 is not in the range"),
        (["queue", "replay", "chat"], "say --all"),
        (["queue", "replay", "chat", "x", "--all"], "say --all"),
        (["queue", "dead"], "Missing argument"),
        (["plan"], "give either -f FILE or the NAME"),
        (["render", "chat", "-f", "x.yaml"], "give either -f FILE or the NAME"),
        (["apply", "-f", "/no/such/file.yaml"], "cannot read /no/such/file.yaml: No such file or directory"),
        (["apply", "-f", "/"], "cannot read /: Is a directory"),
        (
            ["--target", "swarm", "status"],
            "the target swarm is not available in this version; use --target local or kubernetes",
        ),
    ],
)
def test_wrong_usage_is_explained(chatsystem: Chatsystem, arguments: list[str], words: str) -> None:
    result = chatsystem(*arguments)
    assert result.exit_code == 2
    assert words in result.output


@pytest.mark.parametrize(
    "verb", [["up", "-f", "-"], ["apply", "-f", "-"], ["plan", "-f", "-"], ["render", "-f", "-"], ["doctor", "-f", "-"]]
)
def test_an_invalid_declaration_is_refused_with_every_mistake(
    chatsystem: Chatsystem, verb: list[str], tmp_path: Path
) -> None:
    text = 'apiVersion: chatsystem.dev/v1alpha1\nkind: ChatSystem\nmetadata: {name: chat}\nspec: {version: 1, expossure: {}, suspend: "no"}\n'
    result = chatsystem(*verb, text=text)
    assert result.exit_code == 2
    assert 'spec.version: 1 is not a text; put it in quotes: "1"' in result.output
    assert "spec.expossure: is not a known field; did you mean exposure?" in result.output
    assert 'spec.suspend: "no" is not true or false' in result.output
    assert not list(tmp_path.rglob("declaration.json"))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"a: [", b"[" * 3000, b"a: 1\na: 2"])
def test_a_file_that_is_no_declaration_is_refused(chatsystem: Chatsystem, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_bytes(content)
    assert chatsystem("apply", "-f", str(file)).exit_code == 2


@pytest.mark.parametrize(
    "verb", ["wait", "events", "history", "rollback", "pause", "resume", "logs", "status", "plan", "delete"]
)
def test_a_system_that_does_not_exist_is_said_so(chatsystem: Chatsystem, verb: str) -> None:
    result = chatsystem(verb, "nobody")
    assert result.exit_code == 1
    assert 'there is no system named "nobody"; there is none yet; begin with: chatsystem up' in result.output


@pytest.mark.parametrize("name", ["../../etc", "a/b", "", ".", "A" * 300, "a\x00b", "ü"])
def test_a_name_that_cannot_be_one_is_no_path(chatsystem: Chatsystem, name: str) -> None:
    result = chatsystem("status", name)
    assert result.exit_code == 1
    assert "there is no system named" in result.output


@pytest.mark.parametrize("outside", ["absolute", "above", "the folder itself"])
def test_a_purge_never_leaves_the_folder_of_systems(chatsystem: Chatsystem, tmp_path: Path, outside: str) -> None:
    folder, name = {
        "absolute": (tmp_path / "elsewhere", str(tmp_path / "elsewhere")),
        "above": (tmp_path / "elsewhere", "../../elsewhere"),
        "the folder itself": (tmp_path / "state" / "systems", "."),
    }[outside]
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "precious").write_text("")
    (tmp_path / "state" / "systems").mkdir(parents=True, exist_ok=True)
    result = chatsystem("delete", name, "--purge", "--yes")
    assert result.exit_code == 1
    assert "there is no system named" in result.output
    assert (folder / "data" / "precious").exists()


@pytest.mark.parametrize(
    "verb", [["plan", "chat"], ["render", "chat"], ["scale", "chat", "gateway=1"], ["up", "--detach"], ["doctor"]]
)
def test_a_damaged_declaration_is_said_so(chatsystem: Chatsystem, tmp_path: Path, verb: list[str]) -> None:
    kept = tmp_path / "state" / "systems" / "chat" / "declaration.json"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"docu')
    result = chatsystem(*verb)
    assert result.exit_code in (1, 2)
    assert "spec: is required" in result.output
    assert kept.read_text() == '{"docu'


@pytest.mark.parametrize(
    "verb", [["scale", "chat", "gateway=1"], ["rollback", "chat"], ["pause", "chat"], ["resume", "chat"]]
)
def test_an_edit_brings_nothing_back_that_is_being_deleted(
    chatsystem: Chatsystem, tmp_path: Path, verb: list[str]
) -> None:
    kept = tmp_path / "state" / "systems" / "chat" / "declaration.json"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"deleting": true}')
    result = chatsystem(*verb)
    assert result.exit_code == 1
    assert "chat is being deleted; chatsystem apply declares it anew" in result.output
    assert kept.read_text() == '{"deleting": true}'


@pytest.mark.parametrize("verb", ["apply -f -", "delete chat"])
def test_a_closed_standard_input_is_said_so(tmp_path: Path, verb: str) -> None:
    kept = tmp_path / "systems" / "chat" / "declaration.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m controller.cli.main {verb} <&-"],
        cwd=ROOT,
        env={"CHATSYSTEM_STATE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "unexpected" not in done.stderr


def test_without_a_home_folder_the_option_is_named(chatsystem: Chatsystem) -> None:
    result = chatsystem("--state-dir", "~nobody-of-that-name/state", "status")
    assert result.exit_code == 2
    assert "name a folder with --state-dir or CHATSYSTEM_STATE_DIR" in result.output


def test_a_terminal_without_unicode_gets_numbers_instead(tmp_path: Path) -> None:
    folder = tmp_path / "systems" / "chat"
    folder.mkdir(parents=True)
    (folder / "declaration.json").write_text("{}")
    event = {"time": 1.0, "type": "Normal", "reason": "Accepted", "message": "你"}
    (folder / "events.jsonl").write_text(json.dumps(event) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "controller.cli.main", "events", "chat"],
        cwd=ROOT,
        env={"PYTHONIOENCODING": "latin-1", "CHATSYSTEM_STATE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Accepted: \\u4f60" in done.stdout


def test_a_state_folder_that_cannot_be_used_is_named(chatsystem: Chatsystem, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    result = chatsystem("--state-dir", str(file / "below"), "apply", "-f", str(ROOT / "examples" / "minimal.yaml"))
    assert result.exit_code == 1
    assert str(file) in result.output


def test_an_empty_folder_has_no_systems(chatsystem: Chatsystem) -> None:
    result = chatsystem("status")
    assert result.exit_code == 0
    assert "There is no system yet" in result.output


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom controller.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'pydantic', 'yaml', 'rich', 'asyncio', 'aiohttp', 'psutil', 'croniter'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_reference_page_is_current() -> None:
    assert reference.main(["--check"]) == 0


def test_the_version_is_that_of_the_project(chatsystem: Chatsystem) -> None:
    assert f'version = "{chatsystem("version").output.strip()}"' in (ROOT / "pyproject.toml").read_text()
