"""What keeps the services from working on a MySQL server is found, named by its field, and has a remedy."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from services.checks.mysql import check
from services.stores.access import Access, Tls
from services.stores.migrate import load, sql_directory
from tests.stores.test_mysql_access import encrypted
from tests.testbed.certificates import authority
from tests.testbed.checking import checked, told
from tests.testbed.process import free_ports

__all__ = ["encrypted"]


def url_of(target, *more):
    every = ",".join(f"{host}:{port}" for host, port in (*target.addresses, *more))
    return f"mysql://{every}/{target.database}"


@pytest.fixture
def user(mysql):
    """Makes a user with the given grants: (rights, on what)."""
    made = []

    def make(*grants, extra=""):
        name, password = f"u{secrets.token_hex(6)}", secrets.token_urlsafe(16)
        mysql.run(f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY '{password}' {extra}")
        made.append(name)
        for rights, target in grants:
            mysql.run(f"GRANT {rights} ON {target} TO {name}@'127.0.0.1'")
        return Access(name, password)

    yield make
    for name in made:
        mysql.run(f"DROP USER {name}@'127.0.0.1'")


async def test_a_good_server_has_nothing_to_complain_of(mysql_target):
    report = await checked(check, url_of(mysql_target), mysql_target.access, connections=40)
    assert told(report) == []
    assert report.server.startswith(("MariaDB 1", "MySQL "))
    assert report.address == f"127.0.0.1:{mysql_target.addresses[0][1]}"
    assert report.note == "the schema is current"


async def test_an_empty_database_waits_for_the_migration(mysql):
    with mysql.database(migrated=False) as target:
        report = await checked(check, url_of(target), target.access)
    assert told(report) == []
    assert report.note == "no tables yet: the migration makes them"


async def test_a_wrong_password(mysql_target):
    wrong = Access(mysql_target.access.username, "not-the-password")
    report = await checked(check, url_of(mysql_target), wrong)
    assert told(report) == [("error", "StoreAccessDenied", "secretName")]
    assert f"refuses the user {wrong.username}" in report.findings[0].message


async def test_no_password_where_one_is_asked_for(mysql_target):
    report = await checked(check, url_of(mysql_target), Access(mysql_target.access.username))
    assert told(report) == [("error", "StoreAccessDenied", "secretName")]
    assert "secretName" in report.findings[0].remedy


async def test_a_database_that_is_not_there(mysql_target):
    report = await checked(check, url_of(replace(mysql_target, database="nowhere")), mysql_target.access)
    assert told(report) == [("error", "StoreIncomplete", "database")]
    assert report.findings[0].remedy == "CREATE DATABASE nowhere"


async def test_a_database_that_is_not_the_users(mysql_target, user):
    report = await checked(check, url_of(mysql_target), user())
    assert told(report) == [("error", "StoreAccessDenied", "database")]
    assert "GRANT SELECT, INSERT" in report.findings[0].remedy


async def test_a_user_that_may_only_read(mysql_target, user):
    report = await checked(check, url_of(mysql_target), user(("SELECT", f"{mysql_target.database}.*")))
    assert told(report) == [("error", "StoreAccessDenied", "secretName")]
    assert "lacks INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX" in report.findings[0].message


async def test_the_rights_to_define_tables_are_needed_before_the_migration_and_wished_for_after_it(
    mysql, mysql_target, user
):
    data = "SELECT, INSERT, UPDATE, DELETE"
    report = await checked(check, url_of(mysql_target), user((data, f"{mysql_target.database}.*")))
    assert told(report) == [("warning", "StoreAccessDenied", "secretName")]
    with mysql.database(migrated=False) as target:
        report = await checked(check, url_of(target), user((data, f"`{target.database}`.*")))
    assert told(report) == [("error", "StoreAccessDenied", "secretName")]


async def test_an_address_that_does_not_answer_beside_one_that_does_is_a_warning(mysql_target):
    nobody = ("127.0.0.1", free_ports(1)[0])
    report = await checked(check, url_of(mysql_target, nobody), mysql_target.access)
    assert told(report) == [("warning", "StoreUnreachable", "endpoints[1]")]
    assert f"nothing listens on 127.0.0.1:{nobody[1]}" in report.findings[0].message


async def test_no_address_that_answers():
    ports = free_ports(2)
    report = await checked(
        check, f"mysql://127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}/chen_im", Access("a", "some-password")
    )
    assert told(report) == [
        ("error", "StoreUnreachable", "endpoints[0]"),
        ("error", "StoreUnreachable", "endpoints[1]"),
    ]


async def test_a_name_that_nobody_knows():
    report = await checked(check, "mysql://db.invalid:3306/chen_im", Access("a", "some-password"))
    assert told(report) == [("error", "StoreUnreachable", "endpoints[0]")]
    assert "db.invalid is not known" in report.findings[0].message


async def test_a_server_that_speaks_something_else(valkey):
    report = await checked(check, f"mysql://127.0.0.1:{valkey.port}/chen_im", Access("a", "some-password"), timeout=2)
    assert told(report) == [("error", "StoreUnreachable", "endpoints[0]")]
    assert "MySQL protocol" in report.findings[0].message


async def test_a_read_only_server_is_passed_over_or_an_error_if_there_is_no_other(mysql_target, own_server, own_target):
    own_server.run("CREATE USER chat@'127.0.0.1' IDENTIFIED BY 'pw'", "GRANT ALL ON *.* TO chat@'127.0.0.1'")
    own_server.run("SET GLOBAL read_only = ON")
    try:
        report = await checked(check, url_of(own_target), own_target.access)
        assert told(report) == [("error", "StoreReadOnly", "endpoints[0]")]
        access = own_target.access
        both = f"mysql://127.0.0.1:{own_target.addresses[0][1]},127.0.0.1:{mysql_target.addresses[0][1]}/information_schema"
        report = await checked(check, both, access)
        assert ("error", "StoreReadOnly", "endpoints[0]") in told(report)
    finally:
        own_server.run("SET GLOBAL read_only = OFF", "DROP USER chat@'127.0.0.1'")


async def test_a_replica_beside_a_primary_is_nothing_to_speak_of(tmp_path_factory, own_server, own_target):
    """Both servers know the same user and database, as a pair that replicates does."""
    from tests.testbed.mariadb import MariaDB

    other = MariaDB(tmp_path_factory.mktemp("primary"))
    other.start()
    try:
        name = own_target.database
        other.run(
            f"CREATE DATABASE {name}",
            "CREATE USER pair@'127.0.0.1' IDENTIFIED BY 'pw'",
            f"GRANT ALL ON {name}.* TO pair@'127.0.0.1'",
        )
        own_server.run("CREATE USER pair@'127.0.0.1' IDENTIFIED BY 'pw'", f"GRANT ALL ON {name}.* TO pair@'127.0.0.1'")
        own_server.run("SET GLOBAL read_only = ON")
        report = await checked(check, url_of(own_target, ("127.0.0.1", other.port)), Access("pair", "pw"))
        assert told(report) == []
        assert report.address == f"127.0.0.1:{other.port}"
    finally:
        own_server.run("SET GLOBAL read_only = OFF", "DROP USER IF EXISTS pair@'127.0.0.1'")
        other.process.stop()


async def test_settings_that_endanger_what_was_acknowledged(own_server, own_target):
    own_server.run("SET GLOBAL innodb_flush_log_at_trx_commit = 2", "SET GLOBAL max_allowed_packet = 1048576")
    try:
        report = await checked(check, url_of(own_target), own_target.access)
    finally:
        own_server.run("SET GLOBAL innodb_flush_log_at_trx_commit = 1", "SET GLOBAL max_allowed_packet = 16777216")
    assert told(report) == [("warning", "StoreMisconfigured", "")] * 2
    assert [finding.remedy for finding in report.findings] == [
        "set innodb_flush_log_at_trx_commit=1",
        "set max_allowed_packet=16M or more",
    ]


async def test_fewer_connections_than_the_services_need(mysql_target):
    report = await checked(check, url_of(mysql_target), mysql_target.access, connections=100_000)
    assert told(report) == [("warning", "StoreMisconfigured", "")]
    assert "the services need up to 100000" in report.findings[0].message


async def test_tables_that_cannot_hold_every_text(mysql):
    with mysql.database() as target:
        mysql.run("CREATE TABLE old (name VARCHAR(9)) CHARSET=latin1", database=target.database)
        report = await checked(check, url_of(target), target.access)
    assert told(report) == [("warning", "StoreMisconfigured", "database")]
    assert "old" in report.findings[0].message


async def test_a_schema_of_a_newer_version_and_one_of_other_files(mysql):
    newest = len(load(sql_directory() / "mysql"))
    with mysql.database() as target:
        mysql.run(
            "INSERT INTO schema_migration (number, name, checksum, works_from, applied_at)"
            f" VALUES ({newest + 1}, '{newest + 1:04}_later.sql', 'c', {newest + 1}, 1)",
            database=target.database,
        )
        report = await checked(check, url_of(target), target.access)
        assert told(report) == [("error", "StoreSchemaConflict", "database")]
        assert "newer version" in report.findings[0].message
        mysql.run(
            f"DELETE FROM schema_migration WHERE number = {newest + 1}",
            "UPDATE schema_migration SET checksum = 'another' WHERE number = 1",
            database=target.database,
        )
        report = await checked(check, url_of(target), target.access)
    assert told(report) == [("error", "StoreSchemaConflict", "database")]
    assert "was changed after it was applied" in report.findings[0].message


async def test_a_schema_that_is_half_changed_is_left_to_the_migration(mysql):
    with mysql.database() as target:
        mysql.run("UPDATE schema_migration SET applied_at = NULL WHERE number = 1", database=target.database)
        report = await checked(check, url_of(target), target.access)
    assert told(report) == []
    assert "is half applied; the migration goes on" in report.note


async def test_tls_that_the_server_does_not_offer(mysql_target):
    access = replace(mysql_target.access, tls=Tls(verify=False))
    report = await checked(check, url_of(mysql_target), access)
    assert told(report) == [("error", "StoreTlsFailed", "tls")]


async def test_certificates_that_are_not_trusted_or_for_another_name(encrypted, tmp_path):
    server, ca = encrypted
    with server.database() as target:
        good = replace(target.access, tls=Tls(str(ca)))
        assert told(await checked(check, url_of(target), good)) == []
        unknown = replace(target.access, tls=Tls(str(authority(tmp_path / "other").certificate)))
        report = await checked(check, url_of(target), unknown)
        assert told(report) == [("error", "StoreTlsFailed", "tls.caSecret")]
        by_name = f"mysql://localhost:{server.port}/{target.database}"
        report = await checked(check, by_name, good)
        assert told(report) == [("error", "StoreTlsFailed", "endpoints[0]")]
        assert "other names" in report.findings[0].message


async def test_a_server_that_takes_only_encrypted_connections_from_those_who_do_not_use_it(encrypted):
    server, _ = encrypted
    with server.database() as target:
        server.run("CREATE USER tls@'127.0.0.1' IDENTIFIED BY 'pw'")
        server.run(f"GRANT ALL ON {target.database}.* TO tls@'127.0.0.1'")
        try:
            server.run("SET GLOBAL require_secure_transport = ON")
            report = await checked(check, url_of(target), Access("tls", "pw"))
        finally:
            server_off(server)
    # MySQL says so (error 3159), MariaDB only that it denies access.
    assert told(report)[0] in [("error", "StoreTlsFailed", "tls"), ("error", "StoreAccessDenied", "secretName")]
    assert "declare tls" in report.findings[0].remedy


def server_off(server):
    """Lets plain connections in again, by one that is encrypted."""
    import pymysql

    connection = pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.access.username,
        password=server.access.password,
        ssl={"check_hostname": False, "verify_mode": False},
    )
    with connection.cursor() as cursor:
        cursor.execute("SET GLOBAL require_secure_transport = OFF")
        cursor.execute("DROP USER IF EXISTS tls@'127.0.0.1'")
    connection.close()
