"""The images: what is in them and what is not, and that they run with nothing but what is declared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from controller.cli.version import installed_version
from services.catalogue import BY_NAME
from tests.testbed.engine import docker
from tests.testbed.images.container import Container
from tests.testbed.images.product import image, tag
from tests.testbed.images.stores import store_image
from tests.testbed.process import wait_for

TARGETS = ("services", "speech", "controller")
DATA = "/var/lib/chatsystem"
USER = 10001

# Nothing that installs or compiles, and nothing that such a thing leaves behind.
UNWANTED = """
import importlib.util, os, shutil
for program in ("pip", "pip3", "gcc", "cc", "g++", "make", "git", "curl", "wget"):
    if shutil.which(program, path=os.defpath + ":/usr/local/bin:/opt/chatsystem/bin"):
        print("program", program)
for module in ("pip", "setuptools", "wheel", "ensurepip", "pytest"):
    if importlib.util.find_spec(module):
        print("module", module)
for folder, folders, files in os.walk("/"):
    if folder in ("/proc", "/sys", "/dev"):
        folders.clear()
    for name in files:
        path = os.path.join(folder, name)
        if name.endswith((".pem", ".key")) and b"PRIVATE KEY" in open(path, "rb").read():
            print("key", path)
        if name.endswith((".whl", ".deb")):
            print("package", path)
        if folder.endswith(("/.cache", "/root", "/build", "/wheels")):
            print("left", path)
"""
WEB_CLIENT = """
import urllib.request
with urllib.request.urlopen("http://127.0.0.1:9000/") as answer:
    print(answer.status, answer.headers["Content-Type"])
"""
# Nobody but root can change a file, and the user owns none.
CHANGEABLE = """
import os, stat
for folder, folders, files in os.walk("/"):
    if folder in ("/proc", "/sys", "/dev", "/tmp"):
        folders.clear()
        continue
    for name in folders + files:
        path = os.path.join(folder, name)
        state = os.lstat(path)
        if stat.S_ISLNK(state.st_mode):
            continue
        free = state.st_mode & stat.S_IWOTH and not (stat.S_ISDIR(state.st_mode) and state.st_mode & stat.S_ISVTX)
        if (free or state.st_uid == os.getuid()) and not path.startswith(("/proc/", "/sys/", "/dev/")):
            print(oct(state.st_mode), state.st_uid, path)
"""


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """What takes long is not part of a test's time."""
    for target in TARGETS:
        image(target)
    store_image("redis")


@pytest.fixture
def run() -> Iterator[Callable[..., Container]]:
    """Starts containers, which are removed after the test."""
    started: list[Container] = []

    def start(*arguments: Any, **options: Any) -> Container:
        started.append(Container(*arguments, **options))
        return started[-1]

    yield start
    for one in reversed(started):
        one.remove()


def python_in(target: str, code: str) -> str:
    done = docker().run(
        *("run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp"),
        *("--entrypoint", "python3", image(target), "-I", "-c", code),
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_holds_nothing_that_installs_or_compiles(target: str) -> None:
    assert python_in(target, UNWANTED) == ""


@pytest.mark.parametrize("target", TARGETS)
def test_the_user_of_an_image_can_change_nothing_in_it(target: str) -> None:
    assert python_in(target, CHANGEABLE) == ""


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_says_what_it_is(target: str) -> None:
    (kept,) = json.loads(docker()("image", "inspect", image(target)))
    assert kept["Config"]["User"] == f"{USER}:{USER}"
    assert kept["Config"]["Labels"]["org.opencontainers.image.version"] == tag()
    assert kept["Config"]["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert not [variable for variable in kept["Config"]["Env"] if "PASSWORD" in variable or "SECRET" in variable]


def test_speech_is_a_layer_on_the_services() -> None:
    layers = [
        json.loads(docker()("image", "inspect", image(target)))[0]["RootFS"]["Layers"]
        for target in ("services", "speech")
    ]
    assert layers[1][: len(layers[0])] == layers[0]
    assert python_in("speech", "import vosk; print(vosk.__name__)") == "vosk\n"


def test_the_controller_s_image_says_its_version(run: Callable[..., Container]) -> None:
    one = run(image("controller"), "version")
    assert one.wait() == 0, one.log()
    assert one.log().strip() == installed_version()


def test_the_database_is_migrated(run: Callable[..., Container]) -> None:
    one = run(
        image("services"),
        "migrate",
        environment={"CHATSYSTEM_DATABASE_URL": f"sqlite:///{DATA}/chat.db"},
        scratch={DATA: USER},
    )
    assert one.wait() == 0, one.log()
    assert "applied 0001" in one.log()


def test_all_services_become_ready_and_end_in_order(run: Callable[..., Container]) -> None:
    store = run(store_image("redis"), scratch={"/data": 999}, options=["--user", "999:999"])
    environment = {
        "CHATSYSTEM_DATABASE_URL": f"sqlite:///{DATA}/chat.db",
        "CHATSYSTEM_CACHE_URL": "redis://127.0.0.1:6379/0",
        "CHATSYSTEM_QUEUE_URL": "redis://127.0.0.1:6379/1",
        "CHATSYSTEM_SEARCH_URL": "database:",
        "CHATSYSTEM_REGISTRY_URL": "none:",
        "CHATSYSTEM_FILES_URL": f"file://{DATA}/files",
    }
    # Two containers would share the folder by a volume; here one does both.
    begin = f"mkdir {DATA}/files && chatsystem-services migrate && exec chatsystem-services all"
    one = run(
        image("services"),
        *("-c", begin),
        environment=environment,
        network=store,
        scratch={DATA: USER},
        options=["--entrypoint", "sh"],
    )

    def ready() -> bool:
        assert one.running, one.log()
        return one.execute("python3", "-I", "-m", "services.runtime.probe", "/readyz")[0] == 0

    wait_for(ready, 90.0, "the services are ready", pause=0.5)
    assert one.execute("python3", "-I", "-m", "services.runtime.probe") == (0, "HTTP/1.1 200 OK\n")
    assert f"ready: {', '.join(BY_NAME)}" in one.log()
    assert one.execute("python3", "-I", "-c", WEB_CLIENT) == (0, "200 text/html; charset=utf-8\n")
    docker()("kill", "--signal", "TERM", one.id)
    assert one.wait() == 0, one.log()
