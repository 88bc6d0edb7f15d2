"""The check of MySQL or MariaDB: the addresses, the primary among them, and what the services rest on there."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from typing import Any

import pymysql
from pymysql.constants import CR, ER

from services.checks.finding import (
    DENIED,
    FULL,
    INCOMPLETE,
    READ_ONLY,
    SCHEMA,
    TLS,
    UNHEALTHY,
    UNREACHABLE,
    Finding,
    Refused,
    Report,
    Wanted,
    as_warning,
    error,
    shown,
)
from services.checks.mysql_rules import Facts, judge, rights_remedy
from services.checks.reach import distrusted, ways
from services.checks.threads import in_thread
from services.stores.access import Address, Tls
from services.stores.migrate import MigrationError, load, sql_directory
from services.stores.mysql.connect import dial, server_of
from services.stores.mysql.errors import code_of
from services.stores.mysql.migrator import standing
from services.stores.mysql.target import DEFAULT_USERNAME, Patience, Target, read_target
from services.stores.ports import StoreError

_VARIABLES = (
    "read_only", "super_read_only", "innodb_read_only", "innodb_flush_log_at_trx_commit", "log_bin", "sync_binlog",
    "binlog_format", "max_allowed_packet", "max_connections", "max_user_connections",
)  # fmt: skip
_ODD_TABLES = """SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'
    AND (table_collation NOT LIKE 'utf8mb4%' OR engine <> 'InnoDB') ORDER BY table_name LIMIT 5"""
_UNREACHABLE = {CR.CR_CONN_HOST_ERROR, CR.CR_SERVER_LOST, CR.CR_SERVER_GONE_ERROR}
_SECURE_TRANSPORT_REQUIRED = 3159
_HOST_REFUSED = {1130, 1129}
_BUSY = {1040, 1203, 1226}
_PLUGIN = {1251, 2059, 1698}


async def check(wanted: Wanted) -> Report:
    """Raises Refused."""
    patience = Patience(connect=wanted.timeout, statement=wanted.timeout, reconnect=0.0)
    target = read_target(wanted.url, wanted.access, patience)
    numbers, problems = await ways(target.addresses, wanted.access, wanted.timeout, direct=False)
    answers = await asyncio.gather(
        *(in_thread(lambda number=number: _look(target, number)) for number in numbers),  # type: ignore[misc]
        return_exceptions=True,
    )
    facts: dict[int, Facts] = {}
    for number, answer in zip(numbers, answers, strict=True):
        match answer:
            case Facts():
                facts[number] = answer
            case Refused():
                problems += answer.findings
            case BaseException():
                raise answer
    if not facts:
        raise Refused(*problems)
    primary = next((number for number, each in facts.items() if not each.read_only), None)
    if primary is None:
        # A replica is passed over while another address takes writes.
        read_only = (_read_only(number, target.addresses[number]) for number in facts)
        raise Refused(*read_only, *map(as_warning, problems))
    pending, note, findings = await _schema(target, primary)
    findings += judge(
        facts[primary], database=target.database, connections=wanted.connections, pending=pending, number=primary
    )
    findings += map(as_warning, problems)
    return Report(facts[primary].server, shown(target.addresses[primary]), note, findings=tuple(findings))


def _read_only(number: int, address: Address) -> Finding:
    text = f"{shown(address)} is read-only: a replica, or a primary that was stepped down"
    return error(READ_ONLY, f"endpoints[{number}]", text, "name the primary, or promote one")


def _look(target: Target, number: int) -> Facts:
    """Raises Refused."""
    address = target.addresses[number]
    try:
        raw = dial(target, address)
    except pymysql.Error as failure:
        raise Refused(refusal(failure, target, number)) from failure
    except StoreError as failure:
        words = "correct the secrets that tls names: certificates and keys in PEM form"
        raise Refused(error(TLS, "tls", str(failure), words)) from failure
    try:
        with raw.cursor() as cursor:
            names = ", ".join(f"'{name}'" for name in _VARIABLES)
            cursor.execute(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})")
            variables = {str(name): str(value) for name, value in cursor.fetchall()}
            cursor.execute(
                "SELECT @@SESSION.sql_mode, @@SESSION.character_set_client, @@SESSION.character_set_connection"
            )
            mode, client, connection = cursor.fetchone()
            cursor.execute("SHOW GRANTS")
            grants = tuple(str(row[0]) for row in cursor.fetchall())
            cursor.execute(_ODD_TABLES)
            odd = tuple(str(row[0]) for row in cursor.fetchall())
        product, version = server_of(raw.get_server_info())
        return Facts(product, version, variables, str(mode), (str(client), str(connection)), grants, odd)
    except pymysql.Error as failure:
        raise Refused(refusal(failure, target, number)) from failure
    finally:
        raw.close()


async def _schema(target: Target, number: int) -> tuple[bool, str, list[Finding]]:
    """Whether a migration is left to be run, what there is to say of the schema, and what is wrong with it."""
    one = replace(target, addresses=(target.addresses[number],))
    try:
        migrations = load(sql_directory() / "mysql")
        done, pending, half = await in_thread(lambda: standing(one, migrations))
    except MigrationError as failure:
        remedy = "run the version that made it, restore a backup of this version, or name another database"
        return False, "", [error(SCHEMA, "database", str(failure), remedy)]
    except StoreError as failure:
        # A right to read is missing, or the version is too old: `judge` says which.
        return True, f"the schema was not looked at: {failure}", []
    names = ", ".join(migration.name for migration in pending)
    if half:
        return True, f"migration {half[0]} is half applied; the migration goes on with it", []
    if not done and pending:
        return True, "no tables yet: the migration makes them", []
    return (
        bool(pending),
        f"the schema lacks {names}: the migration applies it" if names else "the schema is current",
        [],
    )


def refusal(failure: pymysql.Error, target: Target, number: int) -> Finding:
    """Why a connection did not come about, by the number of the error. The server's own text may hold values."""
    address, field = target.addresses[number], f"endpoints[{number}]"
    place, user, code = shown(address), target.access.username or DEFAULT_USERNAME, code_of(failure)
    cause: Any = getattr(failure, "original_exception", None)
    if isinstance(cause, ssl.SSLError):
        return distrusted(address, cause, field, target.access.tls or Tls())
    if code == CR.CR_SSL_CONNECTION_ERROR:
        remedy = "give the server a certificate, or leave tls out"
        return error(TLS, "tls", f"{place} offers no TLS, which the declaration asks for", remedy)
    if code == _SECURE_TRANSPORT_REQUIRED:
        remedy = "declare tls, with caSecret if its authority is one of your own"
        return error(TLS, "tls", f"{place} takes encrypted connections only, and tls is not declared", remedy)
    if code == ER.BAD_DB_ERROR:
        return error(
            INCOMPLETE, "database", f"{place} has no database {target.database}", f"CREATE DATABASE {target.database}"
        )
    if code == ER.DBACCESS_DENIED_ERROR:
        text = f"the user {user} may not use the database {target.database}, or there is none of that name"
        remedy = f"CREATE DATABASE IF NOT EXISTS {target.database}; {rights_remedy(target.database, user)}"
        return error(DENIED, "database", text, remedy)
    if code == ER.ACCESS_DENIED_ERROR:
        if not target.access.password:
            remedy = "put username and password into a secret, and name it in secretName"
            return error(
                DENIED, "secretName", f"{place} asks the user {user} for a password, and there is none", remedy
            )
        text = f"{place} refuses the user {user} or its password"
        remedy = "correct username and password in the secret, or make the user"
        if target.access.tls is None:
            remedy += "; declare tls if the user has to use it"
        return error(DENIED, "secretName", text, remedy)
    if code in _HOST_REFUSED:
        remedy = f"let the user come from there: CREATE USER {user}@'%', or FLUSH HOSTS after too many failures"
        return error(DENIED, field, f"{place} takes no connections from this machine", remedy)
    if code in _PLUGIN:
        remedy = "give the user the plugin caching_sha2_password or mysql_native_password"
        return error(DENIED, "secretName", f"{place} wants the user {user} to log in by another plugin", remedy)
    if code in _BUSY:
        remedy = "raise max_connections, or lower the pools and replicas of the services"
        return error(FULL, "", f"{place} takes no more connections", remedy)
    if code in _UNREACHABLE:
        text = f"{place} does not speak the MySQL protocol in time, or went away"
        return error(UNREACHABLE, field, text, "correct the address, or see what the server waits for")
    return error(UNHEALTHY, field, f"{place} refuses the connection (error {code})", "see the log of the server")
