"""A container under test, locked down as far as it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.testbed.engine import docker


class Container:
    """No user of its own choosing, no capability, no new privileges, a root that cannot be written to. `network`: none, or that of
    another container. `scratch`: folders that can be written to, with their owner."""

    def __init__(
        self,
        image: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        network: Container | None = None,
        scratch: Mapping[str, int] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        folders = {"/tmp": 10001, **(scratch or {})}
        # Without a network a machine's own name is known to nobody.
        names = ["--hostname", "container", "--add-host", "container:127.0.0.1"]
        self.id = docker()(
            *("run", "--detach", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
            *(("--network", f"container:{network.id}") if network else ("--network", "none", *names)),
            *(part for name, value in (environment or {}).items() for part in ("--env", f"{name}={value}")),
            *(part for folder, user in folders.items() for part in ("--tmpfs", f"{folder}:uid={user},mode=0700")),
            *options,
            image,
            *arguments,
        ).strip()

    @property
    def running(self) -> bool:
        return docker()("inspect", "--format", "{{.State.Running}}", self.id).strip() == "true"

    def wait(self) -> int:
        """Its exit code, when it has ended."""
        return int(docker()("wait", self.id))

    def log(self) -> str:
        done = docker().run("logs", self.id)
        return (done.stdout + done.stderr).decode(errors="replace")

    def execute(self, *command: str) -> tuple[int, str]:
        """Exit code and output of a command in it."""
        done = docker().run("exec", self.id, *command)
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def remove(self) -> None:
        docker()("rm", "--force", "--volumes", self.id)
