"""The documentation holds together: its links lead somewhere, its commands exist, its decisions are numbered."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.testbed.pages import ROOT, Command, File, pages, script

LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#[\w-]+)?\)")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    missing = [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`make ([a-z-]+)", page.read_text()))
    named |= {step.line.split()[1] for step in script(page.read_text()) if _is_make(step)}
    assert [target for target in sorted(named) if f"\n{target}:" not in makefile] == []


def test_every_chatsystem_verb_that_is_named_exists() -> None:
    import controller.cli.main as entry

    verbs = set(entry.program.commands)
    named = set()
    for page in pages():
        named |= set(re.findall(r"(?:`|\$ )(?:\.venv/bin/)?chatsystem ([a-z]+)", page.read_text()))
    assert named - verbs == set()


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_to_save_is_a_valid_declaration(page: Path) -> None:
    from controller.api.validate import parse

    for step in script(page.read_text()):
        if isinstance(step, File):
            parse(yaml.safe_load(step.text))


def test_decisions_are_numbered_without_gaps_and_have_all_parts() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in decisions] == list(range(1, len(decisions) + 1))
    for page in decisions:
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in page.read_text(), f"{page.name} lacks {part}"


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = [*project["project"]["dependencies"]]
    for group in project["project"]["optional-dependencies"].values():
        lines += group
    for group in project["dependency-groups"].values():
        lines += [line for line in group if isinstance(line, str)]
    names = {re.split(r"[\[<>=~!]", line)[0] for line in lines} - {"chatsystem"}
    reasons = (
        (ROOT / "docs/dependencies.md").read_text().replace("types-*", " ".join(n for n in names if "types-" in n))
    )
    assert sorted(name for name in names if name not in reasons) == []


def test_lock_files_name_no_address() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        assert not re.search(r"https?://|--index-url|--find-links", lock.read_text()), lock.name


def test_an_unknown_tier_is_a_usage_error() -> None:
    result = subprocess.run([ROOT / "tests/run", "nonsense"], capture_output=True, text=True)
    assert result.returncode == 2
    assert "One of: all, unit, stores, e2e" in result.stderr


def test_a_tier_that_is_not_there_says_so() -> None:
    result = subprocess.run([ROOT / "tests/run", "swarm"], capture_output=True, text=True)
    assert result.returncode == 2
    assert "not in this version" in result.stderr


def _is_make(step: File | Command) -> bool:
    return isinstance(step, Command) and step.line.startswith("make ")
