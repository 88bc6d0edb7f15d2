"""How a MySQL server is reached: several addresses, names and passwords, rights, encryption."""

import asyncio
import re
import secrets
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from services.stores.access import Access, Tls
from services.stores.migrate import load, sql_directory
from services.stores.mysql.connection import MysqlConnection
from services.stores.mysql.database import MysqlDatabase
from services.stores.mysql.errors import SchemaConflictError
from services.stores.mysql.migrator import migrate
from services.stores.mysql.target import Patience
from services.stores.ports import StoreError
from tests.testbed.mariadb import MariaDB
from tests.testbed.process import free_ports
from tests.testbed.rows import names, put


async def test_addresses_are_tried_in_turn(open_mysql, mysql_target):
    nobody = ("127.0.0.1", free_ports(1)[0])
    database = await open_mysql(replace(mysql_target, addresses=(nobody, *mysql_target.addresses)))
    assert await database.write(put("a")) == 1


async def test_a_server_that_is_read_only_is_left_until_one_takes_writes(open_mysql, own_server, own_target):
    run = own_server.run  # as a user who may write all the same
    run("CREATE USER chat@'127.0.0.1' IDENTIFIED BY 'pw'", f"GRANT ALL ON {own_target.database}.* TO chat@'127.0.0.1'")
    target = replace(own_target, access=Access("chat", "pw"), addresses=own_target.addresses * 2)
    try:
        run("SET GLOBAL read_only = ON")
        with pytest.raises(StoreError, match=r"read-only now.*read-only now"):
            await open_mysql(replace(target, patience=replace(target.patience, reconnect=0.2)))
        run("SET GLOBAL read_only = OFF")
        database = await open_mysql(replace(target, patience=replace(target.patience, reconnect=10.0)))
        await database.write(put("a"))
        run("SET GLOBAL read_only = ON")
        writing = asyncio.create_task(database.write(put("b")))
        await asyncio.sleep(0.3)
        assert not writing.done()
        run("SET GLOBAL read_only = OFF")
        assert await writing == 1
        assert await database.read(names) == {"a", "b"}
    finally:
        run("SET GLOBAL read_only = OFF", "DROP USER chat@'127.0.0.1'")


async def test_a_wrong_password_is_told_and_not_tried_again(mysql_target):
    wrong = replace(mysql_target, access=Access(mysql_target.access.username, "not-the-password"))
    with pytest.raises(StoreError, match="CHATSYSTEM_DATABASE_PASSWORD_FILE") as caught:
        await MysqlDatabase.open(wrong)
    assert not caught.value.retryable
    assert "not-the-password" not in str(caught.value)


async def test_the_rights_that_the_manual_names_are_enough(open_mysql, mysql):
    manual = (Path(__file__).parents[2] / "docs/operations/stores.md").read_text()
    rights = re.search(r"^GRANT (.*) ON chen_im", manual, re.MULTILINE)[1]
    with mysql.database(migrated=False) as target:
        mysql.run(
            "CREATE USER few@'127.0.0.1' IDENTIFIED BY 'pw'",
            f"GRANT {rights} ON {target.database}.* TO few@'127.0.0.1'",
        )
        try:
            limited = replace(target, access=Access("few", "pw"))
            migrate(limited, load(sql_directory() / "mysql"))
            database = await open_mysql(limited)
            assert await database.write(put("a")) == 1
            await database.close()
        finally:
            mysql.run("DROP USER few@'127.0.0.1'")


async def test_a_database_that_does_not_exist_is_told(mysql_target):
    with pytest.raises(StoreError, match="does not exist"):
        await MysqlDatabase.open(replace(mysql_target, database="nowhere"))


async def test_a_password_may_hold_any_character(open_mysql, mysql, mysql_target):
    password = "pa'ss 密码 \\" + secrets.token_urlsafe(4)
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    mysql.run(
        f"CREATE USER odd@'127.0.0.1' IDENTIFIED BY '{quoted}'",
        f"GRANT ALL ON {mysql_target.database}.* TO odd@'127.0.0.1'",
    )
    try:
        database = await open_mysql(replace(mysql_target, access=Access("odd", password)))
        await database.ping()
    finally:
        mysql.run("DROP USER odd@'127.0.0.1'")


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory):
    """A server with a certificate of an authority of its own, and that authority's file."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=db",
            "-keyout", "server.key", "-out", "server.csr")  # fmt: skip
    (folder / "names").write_text("subjectAltName = IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
            "-extfile", "names", "-out", "server.pem")  # fmt: skip
    server = MariaDB(folder / "mariadb", [f"--ssl-cert={folder / 'server.pem'}", f"--ssl-key={folder / 'server.key'}"])
    server.start()
    yield server, folder / "ca.pem"
    server.process.stop()


async def test_tls_with_an_authority_of_ones_own(open_mysql, encrypted):
    server, authority = encrypted
    with server.database() as target:
        access = replace(target.access, tls=Tls(str(authority)))
        database = await open_mysql(replace(target, access=access))
        rows = await database.read(lambda c: c.execute("SHOW STATUS LIKE 'Ssl_cipher'"))
        assert rows[0][1]
        await database.close()


async def test_a_certificate_of_an_unknown_authority_is_refused(encrypted):
    server, _ = encrypted
    target = server.target("mysql")
    with pytest.raises(StoreError, match="certificate"):
        await MysqlDatabase.open(
            replace(target, access=replace(target.access, tls=Tls()), patience=Patience(reconnect=0.2))
        )


async def test_tls_is_never_given_up_for_a_server_without_it(mysql_target):
    with pytest.raises(StoreError, match="offers no TLS") as caught:
        await MysqlDatabase.open(replace(mysql_target, access=replace(mysql_target.access, tls=Tls(verify=False))))
    assert not caught.value.retryable


def test_what_is_there_already_is_told_apart_for_the_migrator(mysql_target):
    connection = MysqlConnection(mysql_target, isolation="READ COMMITTED")
    connection.open()
    with pytest.raises(SchemaConflictError, match="setting"):
        connection.change("CREATE TABLE setting (name INTEGER)")
    connection.close()
