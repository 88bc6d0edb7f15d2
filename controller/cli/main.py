"""The program `chatsystem`: gathers the verbs and turns what goes wrong into words and exit codes."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import click

from controller.cli import (
    apply,
    controller,
    delete,
    doctor,
    events,
    history,
    logs,
    pause,
    plan,
    queue,
    render,
    resume,
    rollback,
    scale,
    status,
    up,
    version,
    wait,
)
from controller.cli.failure import FAILED, USAGE, Failure


class Program(click.Group):
    """Lists the verbs in the order in which a person meets them, and lets no traceback of bad input through."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ValueError as error:
            from controller.api.problem import InvalidDocument

            if not isinstance(error, InvalidDocument):
                raise
            lines = "\n".join(f"  {line}" for line in error.lines())
            raise Failure(f"the declaration is not valid; nothing was changed\n{lines}", USAGE) from None


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--state-dir", metavar="DIR", help="Folder of the systems' state [env: CHATSYSTEM_STATE_DIR].")
@click.option(
    "--target", type=click.Choice(["local", "kubernetes", "swarm"]), help="Platform of the systems [default: local]."
)
@click.option("--context", metavar="NAME", help="Kubernetes: context of the kubeconfig [default: the current one].")
@click.option(
    "-n", "--namespace", metavar="NAME", help="Kubernetes: namespace of the systems [default: the context's]."
)
def program(state_dir: str | None, target: str | None, context: str | None, namespace: str | None) -> None:
    """Run a complete instant-messaging system from one declaration.

    Exit codes: 0 done, 1 failed, 2 usage or invalid declaration, 3 rolled back, 4 timed out.
    """


for verb in (
    up.up,
    apply.apply,
    plan.plan,
    status.status,
    wait.wait,
    events.events,
    history.history,
    rollback.rollback,
    scale.scale,
    pause.pause,
    resume.resume,
    logs.logs,
    queue.queue,
    render.render,
    delete.delete,
    doctor.doctor,
    controller.controller,
    version.version,
):
    program.add_command(verb)


def main(arguments: list[str] | None = None) -> None:
    """The console script. Ends the process with the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that has no sign for a character gets its number, not a traceback.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = program.main(arguments, prog_name="chatsystem", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe has gone; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        if os.environ.get("CHATSYSTEM_TRACEBACK"):
            raise
        words = " ".join(str(error).split())[:300]
        click.echo(
            f"chatsystem: unexpected {type(error).__name__}: {words}; set CHATSYSTEM_TRACEBACK=1 to see where, and report it",
            err=True,
        )
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
