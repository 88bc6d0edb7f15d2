"""External stores that cannot be used: `doctor` and the status say what to do, and what runs is left alone until it is done."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.client import Api
from tests.testbed.mariadb import MariaDB
from tests.testbed.process import free_ports, wait_for
from tests.testbed.product import Product
from tests.testbed.traffic import Traffic

SOME = 40
SECRET = "mysql-credentials"


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[MariaDB]:
    server = MariaDB(tmp_path / "mariadb")
    server.start()
    server.run("CREATE DATABASE chen_im")
    yield server
    server.process.stop()


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """A system that nobody has started yet."""
    one = Product(tmp_path)
    yield one
    one.delete()


def external(mariadb: MariaDB) -> dict[str, Any]:
    return {"mysql": {"external": {"endpoints": [f"127.0.0.1:{mariadb.port}"], "secretName": SECRET}}}


def keep_secret(product: Product, username: str, password: str) -> None:
    folder = product.root / "secrets" / SECRET
    folder.mkdir(parents=True, exist_ok=True)
    for key, value in (("username", username), ("password", password)):
        (folder / key).write_text(value)
        (folder / key).chmod(0o600)


def doctor(product: Product) -> tuple[int, list[dict[str, str]]]:
    """Its exit code and what it finds of the database."""
    result = product.command("doctor", "-f", product.declaration(), "-o", "json")
    findings = json.loads(result.stdout)["findings"]
    return result.returncode, [item for item in findings if item["check"] == "mysql"]


def row(product: Product, name: str) -> dict[str, Any]:
    components = product.state()["status"].get("components", [])
    return next((item for item in components if item["name"] == name), {})


def test_doctor_looks_at_the_stores_of_a_declaration_before_it_is_applied(product: Product, mariadb: MariaDB) -> None:
    product.spec["stores"] = external(mariadb)
    code, (missing,) = doctor(product)
    assert (code, missing["level"], missing["field"]) == (1, "error", "spec.stores.mysql.external.secretName")
    assert missing["message"] == f"the secret {SECRET} lacks the keys username and password"
    assert str(product.root / "secrets" / SECRET / "password") in missing["remedy"]
    assert not product.root.exists()

    keep_secret(product, mariadb.access.username, "not-the-password")
    code, (wrong,) = doctor(product)
    assert (code, wrong["level"], wrong["field"]) == (1, "error", "spec.stores.mysql.external.secretName")
    assert wrong["message"] == f"127.0.0.1:{mariadb.port} refuses the user {mariadb.access.username} or its password"
    text = product.command("doctor", "-f", product.declaration())
    assert "correct username and password in the secret" in text.stdout
    assert "not-the-password" not in text.stdout + text.stderr

    keep_secret(product, mariadb.access.username, mariadb.access.password)
    code, (good,) = doctor(product)
    assert (code, good["level"]) == (0, "ok")
    assert good["message"].startswith("MariaDB ")
    assert good["message"].endswith("no tables yet: the migration makes them")

    (port,) = free_ports(1)
    product.spec["stores"]["mysql"]["external"]["endpoints"].insert(0, f"127.0.0.1:{port}")
    code, findings = doctor(product)
    assert (code, [item["level"] for item in findings]) == (0, ["ok", "warning"])
    assert findings[1]["field"] == "spec.stores.mysql.external.endpoints[0]"


@pytest.mark.timeout(240)
async def test_a_wrong_password_leaves_what_runs_alone_and_once_it_is_right_the_change_goes_on(
    product: Product, mariadb: MariaDB
) -> None:
    product.up()
    traffic = Traffic(Api(product.host, product.http_port, product.websocket_port))
    await traffic.begin()
    await traffic.flow(SOME)
    before = product.pids()

    keep_secret(product, mariadb.access.username, "not-the-password")
    product.spec["stores"] = external(mariadb)
    product.done("apply", "-f", product.declaration())
    result = product.command("wait", product.name, "--timeout", "60s")
    assert result.returncode == 1
    assert "refuses the user" in result.stdout + result.stderr
    stores = product.condition("StoresReady")
    assert (stores["status"], stores["reason"]) == ("False", "StoreAccessDenied")
    assert product.condition("Stalled")["reason"] == "StoreAccessDenied"
    assert product.condition("Available")["status"] == "True"
    assert (row(product, "mysql")["ready"], row(product, "mysql")["message"]) == (0, stores["message"])
    assert "not-the-password" not in json.dumps(product.state())
    assert "mysql" in product.done("status", product.name)
    assert product.command("doctor", product.name).returncode == 1
    await traffic.flow(SOME)
    assert product.pids() == before
    assert await traffic.end() == []
    await traffic.api.close()

    keep_secret(product, mariadb.access.username, mariadb.access.password)
    await asyncio.to_thread(product.wait_ready, 90.0)
    assert product.condition("StoresReady")["status"] == "True"
    assert row(product, "mysql")["version"].startswith("MariaDB ")
    api = Api(product.host, product.http_port, product.websocket_port)
    await api.register()
    await api.close()
    assert mariadb.run("SELECT COUNT(*) FROM user", database="chen_im") == [(1,)]
    reasons = product.done("events", product.name)
    assert "StoreAccessDenied" in reasons
    assert "StoresReady" in reasons


@pytest.mark.timeout(240)
async def test_while_the_database_is_away_nothing_is_stopped_and_what_dies_waits_for_it(
    product: Product, mariadb: MariaDB
) -> None:
    keep_secret(product, mariadb.access.username, mariadb.access.password)
    product.spec["stores"] = external(mariadb)
    product.up()
    await asyncio.to_thread(product.wait_ready, 60.0)
    before = product.pids()
    services = next(name for name in before if "services" in name)

    mariadb.process.kill()
    await asyncio.to_thread(
        wait_for,
        lambda: product.condition("StoresReady")["reason"] == "StoreUnreachable",
        90.0,
        "it is said",
        pause=0.5,
    )
    assert product.pids() == before
    os.kill(before[services], signal.SIGKILL)
    await asyncio.to_thread(
        wait_for,
        lambda: "nothing listens on" in product.condition("Ready")["message"],
        30.0,
        "it is waited for",
        pause=0.5,
    )
    assert services not in product.pids()

    await asyncio.to_thread(mariadb.start)
    await asyncio.to_thread(product.wait_ready, 90.0)
    api = Api(product.host, product.http_port, product.websocket_port)
    await api.register()
    await api.close()
    assert set(before) - {services} <= set(product.pids())
