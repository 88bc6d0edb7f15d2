"""Both dialects define the same schema: tables, columns, what may be NULL, defaults, keys, indexes, kinds of values."""

import re
import sqlite3
from collections import defaultdict

import pytest

from services.stores.migrate import load, sql_directory
from services.stores.sqlite.migrator import migrate

OWN = {"schema_migration", "sqlite_sequence"}
"""Tables that are the migrators' own business."""

KINDS = {
    "INTEGER": {"int", "bigint"},
    "TEXT": {"varchar", "mediumtext"},
    "BLOB": {"varbinary", "mediumblob"},
}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    path = tmp_path_factory.mktemp("schema") / "chat.db"
    migrate(path, load(sql_directory() / "sqlite"))
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def sqlite_schema(connection):
    schema = {}
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if table in OWN:
            continue
        columns, primary = {}, []
        for _, name, kind, required, default, position in connection.execute(f"PRAGMA table_info({table})"):
            columns[name] = (kind, bool(required or position), default.strip("'") if default is not None else None)
            if position:
                primary.append((position, name))
        unique, indexes = {tuple(name for _, name in sorted(primary))}, set()
        for _, name, is_unique, _, _ in connection.execute(f"PRAGMA index_list({table})").fetchall():
            key = tuple(row[2] for row in connection.execute(f"PRAGMA index_info({name})"))
            (unique if is_unique else indexes).add(key)
        schema[table] = (columns, unique, indexes)
    return schema


def mysql_schema(server, database):
    def rows(sql):
        return server.run(sql, database=database)

    schema = {}
    for (table,) in rows("SHOW TABLES"):
        if table in OWN:
            continue
        columns = {}
        for name, kind, nullable, default in rows(
            "SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns"
            f" WHERE table_schema = '{database}' AND table_name = '{table}' ORDER BY ordinal_position"
        ):
            # MariaDB writes defaults as expressions, MySQL as values.
            value = None if default in {None, "NULL"} else default.strip("'")
            columns[name] = (kind, nullable == "NO", value)
        keys = defaultdict(list)
        for name, free, column in rows(
            "SELECT index_name, non_unique, column_name FROM information_schema.statistics"
            f" WHERE table_schema = '{database}' AND table_name = '{table}' ORDER BY seq_in_index"
        ):
            keys[name, bool(free)].append(column)
        unique = {tuple(key) for (_, free), key in keys.items() if not free}
        schema[table] = (columns, unique, {tuple(key) for (_, free), key in keys.items() if free})
    return schema


@pytest.fixture
def schemas(embedded, mysql, mysql_target):
    return sqlite_schema(embedded), mysql_schema(mysql, mysql_target.database)


def test_the_tables_are_the_same(schemas):
    one, other = schemas
    assert set(one) == set(other)


def test_the_columns_are_the_same_in_the_same_order(schemas):
    one, other = schemas
    assert {table: list(one[table][0]) for table in one} == {table: list(other[table][0]) for table in other}


def test_the_same_columns_may_be_null_and_have_the_same_defaults(schemas):
    one, other = ({t: {c: v[1:] for c, v in schema[t][0].items()} for t in schema} for schema in schemas)
    assert one == other


def test_the_kinds_of_values_are_the_same(schemas):
    one, other = schemas
    wrong = [
        f"{table}.{column}: {kind} and {other[table][0][column][0]}"
        for table in one
        for column, (kind, _, _) in one[table][0].items()
        if other[table][0][column][0] not in KINDS[kind]
    ]
    assert wrong == []


def test_the_unique_keys_are_the_same(schemas):
    one, other = schemas
    assert {table: one[table][1] for table in one} == {table: other[table][1] for table in other}


def test_the_indexes_are_the_same(schemas):
    one, other = schemas
    assert {table: one[table][2] for table in one} == {table: other[table][2] for table in other}


def test_every_text_compares_byte_for_byte(mysql, mysql_target):
    wrong = mysql.run(
        "SELECT table_name, column_name, collation_name FROM information_schema.columns"
        f" WHERE table_schema = '{mysql_target.database}' AND collation_name IS NOT NULL"
        " AND table_name <> 'schema_migration'"
        " AND collation_name NOT IN ('utf8mb4_nopad_bin', 'utf8mb4_0900_bin')"
    )
    assert wrong == []


def test_the_files_are_the_same_with_the_same_promise_to_older_code():
    one, other = (load(sql_directory() / dialect) for dialect in ("sqlite", "mysql"))
    assert [(each.name, each.works_from) for each in one] == [(each.name, each.works_from) for each in other]


def test_comments_say_the_same():
    def comments(dialect):
        text = (sql_directory() / dialect / "0001_initial.sql").read_text()
        found = set(re.findall(r"-- (.*)", text))
        return {
            comment.strip() for comment in found if not re.search("byte for byte|SQLite|each server|^on each", comment)
        }

    assert comments("sqlite") <= comments("mysql")
