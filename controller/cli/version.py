"""`chatsystem version`: what is installed."""

from __future__ import annotations

import click


def installed_version() -> str:
    """Version of this package."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    try:
        return version_of("chatsystem")
    except PackageNotFoundError:
        # Run from a source tree that was never installed.
        import tomllib
        from pathlib import Path

        project = Path(__file__).resolve().parents[2] / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(installed_version())
