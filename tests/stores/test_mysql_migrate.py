"""Migrations on MySQL, where no change of the schema can be undone: noted statement by statement, and gone on with."""

import shutil
import threading
import time
from dataclasses import replace

import pytest

from services.stores.migrate import MigrationError, load, sql_directory
from services.stores.mysql.migrator import check, migrate


@pytest.fixture
def folder(tmp_path):
    """A copy of the real migrations that a test may add to."""
    return shutil.copytree(sql_directory() / "mysql", tmp_path / "sql")


@pytest.fixture
def target(mysql):
    with mysql.database(migrated=False) as target:
        yield target


def next_number(folder):
    return len(list(folder.glob("*.sql"))) + 1


def add(folder, sql, name="more"):
    file = folder / f"{next_number(folder):04}_{name}.sql"
    file.write_text(sql)
    return file


def rows(mysql, target, sql):
    return mysql.run(sql, database=target.database)


def tables(mysql, target):
    return {row[0] for row in rows(mysql, target, "SHOW TABLES")}


def test_a_second_run_changes_nothing(folder, mysql, target):
    assert [each.number for each in migrate(target, load(folder))] == list(range(1, next_number(folder)))
    before = rows(mysql, target, "SELECT * FROM schema_migration"), rows(mysql, target, "SELECT * FROM setting")
    assert migrate(target, load(folder)) == []
    after = rows(mysql, target, "SELECT * FROM schema_migration"), rows(mysql, target, "SELECT * FROM setting")
    assert after == before
    assert [row[0] for row in after[1]] == ["epoch"]


def test_only_what_is_missing_is_run(folder, mysql, target):
    migrate(target, load(folder))
    added = add(folder, "CREATE TABLE more (id INTEGER);\nCREATE INDEX more_id ON more (id);\n")
    assert [each.name for each in migrate(target, load(folder))] == [added.name]
    check(target, load(folder))


def test_a_file_that_stopped_is_named_with_its_statement_and_gone_on_with(folder, mysql, target):
    migrate(target, load(folder))
    add(folder, "CREATE TABLE fine (id INTEGER);\n", "fine")
    add(
        folder,
        "CREATE TABLE half (id INTEGER);\nINSERT INTO nowhere VALUES (1);\nCREATE TABLE rest (id INTEGER);\n",
        "broken",
    )
    number = next_number(folder) - 1
    with pytest.raises(
        MigrationError, match=rf"{number:04}_broken\.sql stopped at statement 2 of 3.*NO_SUCH_TABLE, .*nowhere"
    ):
        migrate(target, load(folder))
    assert {"fine", "half"} <= tables(mysql, target)
    with pytest.raises(MigrationError, match=r"broken\.sql is half applied"):
        check(target, load(folder))
    rows(mysql, target, "CREATE TABLE nowhere (id INTEGER)")
    assert [each.number for each in migrate(target, load(folder))] == [number]
    assert "rest" in tables(mysql, target)
    assert rows(mysql, target, "SELECT count(*) FROM nowhere") == [(1,)]
    check(target, load(folder))


def test_a_half_applied_file_that_was_changed_is_refused(folder, mysql, target):
    file = add(folder, "CREATE TABLE half (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n", "broken")
    with pytest.raises(MigrationError, match="stopped at statement 2"):
        migrate(target, load(folder))
    file.write_text("CREATE TABLE half (id INTEGER);\n")
    with pytest.raises(MigrationError, match=r"broken\.sql is half applied \(1 of its statements are\)"):
        migrate(target, load(folder))
    with pytest.raises(MigrationError, match=r"half applied"):
        check(target, load(sql_directory() / "mysql"))


def lose(mysql, target, done, started):
    """As if the run had been lost during a statement of the newest file."""
    rows(
        mysql,
        target,
        f"UPDATE schema_migration SET applied_at = NULL, done = {done}, started = {started} ORDER BY number DESC LIMIT 1",
    )


@pytest.mark.parametrize("done", [True, False])
def test_a_run_that_was_lost_in_a_statement_goes_on_whether_or_not_that_was_done(folder, mysql, target, done):
    add(folder, "CREATE TABLE one (id INTEGER);\nCREATE TABLE two (id INTEGER);\nCREATE TABLE three (id INTEGER);\n")
    migrate(target, load(folder))
    rows(mysql, target, "DROP TABLE three")
    if not done:
        rows(mysql, target, "DROP TABLE two")
    lose(mysql, target, done=1, started=2)
    assert len(migrate(target, load(folder))) == 1
    assert {"one", "two", "three"} <= tables(mysql, target)


def test_what_is_there_already_is_an_error_where_no_run_was_lost(folder, mysql, target):
    migrate(target, load(folder))
    rows(mysql, target, "CREATE TABLE two (other TEXT)")
    add(folder, "CREATE TABLE one (id INTEGER);\nCREATE TABLE two (id INTEGER);\n")
    for _ in range(2):
        with pytest.raises(MigrationError, match=r"statement 2 of 2.*TABLE_EXISTS_ERROR, two"):
            migrate(target, load(folder))


def test_a_server_killed_during_a_migration_is_migrated_when_it_is_back(folder, tmp_path):
    from tests.testbed.mariadb import MariaDB

    server = MariaDB(tmp_path / "mariadb")
    server.start()
    try:
        server.run("CREATE DATABASE chen_im")
        target = server.target("chen_im")
        add(folder, "CREATE TABLE slow (id INTEGER);\nSELECT SLEEP(30);\nCREATE TABLE after_it (id INTEGER);\n")
        failed = []

        def run():
            try:
                migrate(target, load(folder))
            except Exception as error:  # noqa: BLE001 - shown by the test
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        while not (server.run("SHOW DATABASES") and server.run("SHOW TABLES LIKE 'slow'", database="chen_im")):
            time.sleep(0.02)
        time.sleep(0.1)
        server.process.kill()
        thread.join(20)
        assert len(failed) == 1
        assert isinstance(failed[0], MigrationError)
        assert "statement 2 of 3" in str(failed[0])
        server.start()
        with pytest.raises(MigrationError, match="half applied"):
            check(target, load(folder))
        server.run("UPDATE schema_migration SET done = 2 WHERE applied_at IS NULL", database="chen_im")
        migrate(target, load(folder))
        assert server.run("SHOW TABLES LIKE 'after_it'", database="chen_im")
    finally:
        server.process.stop()


def test_a_file_changed_after_it_was_applied_is_refused(folder, target):
    migrate(target, load(folder))
    file = folder / "0001_initial.sql"
    file.write_text(file.read_text() + "\n-- a later thought\n")
    with pytest.raises(MigrationError, match="changed after it was applied"):
        migrate(target, load(folder))


def test_a_newer_schema_is_refused_unless_older_code_can_work_with_it(folder, target):
    known = load(sql_directory() / "mysql")
    add(folder, f"-- Works with code from: {len(known):04}\nCREATE TABLE future (id INTEGER);\n", "future")
    migrate(target, load(folder))
    check(target, known)
    assert migrate(target, known) == []
    add(folder, "CREATE TABLE far (id INTEGER);\n", "far")
    migrate(target, load(folder))
    for attempt in (check, migrate):
        with pytest.raises(MigrationError, match="newer version"):
            attempt(target, known)


def test_a_schema_that_is_behind_is_named(folder, target):
    with pytest.raises(MigrationError, match="run chatsystem-services migrate"):
        check(target, load(folder))


def test_an_unfinished_statement_is_refused_before_anything_is_done(folder, mysql, target):
    add(folder, "CREATE TABLE one (id INTEGER);\nCREATE TABLE two (id INTEGER)\n")
    with pytest.raises(MigrationError, match="semicolon"):
        migrate(target, load(folder))
    assert "one" not in tables(mysql, target)


def test_several_migrations_at_once_apply_each_file_once(folder, target):
    done, failed = [], []

    def run():
        try:
            done.extend(migrate(target, load(folder)))
        except Exception as error:  # noqa: BLE001 - shown by the test
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(each.number for each in done) == list(range(1, next_number(folder)))


def test_a_migration_that_does_not_end_is_not_waited_for_for_ever(folder, mysql, target):
    migrate(target, load(folder))
    holder = mysql.connect(target.database)
    with holder.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, 0)", (f"migrate {target.database}",))
    with pytest.raises(MigrationError, match="another migration"):
        migrate(target, load(folder), lock_timeout=0.2)
    holder.close()


def test_the_name_of_the_database_is_free(mysql):
    mysql.run("CREATE DATABASE `chen-im$2`")
    try:
        target = replace(mysql.target("chen-im$2"))
        migrate(target, load(sql_directory() / "mysql"))
        check(target, load(sql_directory() / "mysql"))
    finally:
        mysql.run("DROP DATABASE `chen-im$2`")
