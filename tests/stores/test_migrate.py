"""Migrations: once, in order, all or nothing, and never past what this code knows."""

import shutil
import sqlite3
import threading

import pytest

from services.stores.migrate import MigrationError, load, sql_directory
from services.stores.sqlite.migrator import check, migrate


@pytest.fixture
def folder(tmp_path):
    """A copy of the real migrations that a test may add to."""
    return shutil.copytree(sql_directory() / "sqlite", tmp_path / "sql")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "chat.db"


def next_number(folder):
    return len(list(folder.glob("*.sql"))) + 1


def add(folder, sql, name="more"):
    file = folder / f"{next_number(folder):04}_{name}.sql"
    file.write_text(sql)
    return file


def rows(path, sql):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_a_second_run_changes_nothing(folder, path):
    assert [each.number for each in migrate(path, load(folder))] == list(range(1, next_number(folder)))
    before = rows(path, "SELECT * FROM schema_migration"), rows(path, "SELECT * FROM setting")
    assert migrate(path, load(folder)) == []
    assert (rows(path, "SELECT * FROM schema_migration"), rows(path, "SELECT * FROM setting")) == before


def test_the_first_run_sets_a_random_epoch(folder, tmp_path):
    epochs = set()
    for name in ("a", "b"):
        migrate(tmp_path / name, load(folder))
        epochs.add(rows(tmp_path / name, "SELECT value FROM setting WHERE name = 'epoch'")[0][0])
    assert len(epochs) == 2


def test_only_what_is_missing_is_run(folder, path):
    migrate(path, load(folder))
    added = add(folder, "CREATE TABLE more (id INTEGER);\nCREATE INDEX more_id ON more (id);\n")
    assert [each.name for each in migrate(path, load(folder))] == [added.name]
    assert rows(path, "SELECT count(*) FROM more") == [(0,)]


def test_a_migration_that_fails_leaves_nothing_behind(folder, path):
    migrate(path, load(folder))
    add(folder, "CREATE TABLE fine (id INTEGER);\n", "fine")
    add(folder, "CREATE TABLE half (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n", "broken")
    with pytest.raises(MigrationError, match=r"broken\.sql failed"):
        migrate(path, load(folder))
    assert rows(path, "SELECT name FROM sqlite_master WHERE name IN ('fine', 'half')") == []


def test_a_file_changed_after_it_was_applied_is_refused(folder, path):
    migrate(path, load(folder))
    file = folder / "0001_initial.sql"
    file.write_text(file.read_text() + "\n-- a later thought\n")
    with pytest.raises(MigrationError, match="changed after it was applied"):
        migrate(path, load(folder))


def test_a_newer_schema_is_refused(folder, path):
    add(folder, "CREATE TABLE future (id INTEGER);\n", "future")
    migrate(path, load(folder))
    with pytest.raises(MigrationError, match="newer version"):
        migrate(path, load(sql_directory() / "sqlite"))
    with pytest.raises(MigrationError, match="newer version"):
        check(path, load(sql_directory() / "sqlite"))


def test_a_newer_schema_that_older_code_can_work_with_is_accepted(folder, path):
    known = load(sql_directory() / "sqlite")
    add(folder, f"-- Works with code from: {len(known):04}\nCREATE TABLE future (id INTEGER);\n", "future")
    migrate(path, load(folder))
    check(path, known)
    assert migrate(path, known) == []


def test_a_schema_that_is_behind_is_named(folder, path):
    with pytest.raises(MigrationError, match="run chatsystem-services migrate"):
        check(path, load(folder))


@pytest.mark.parametrize("name", ["0003_gap.sql", "later.sql", "9999_far.sql"])
def test_a_gap_or_a_wrong_name_is_refused(folder, name):
    (folder / name).write_text("SELECT 1;\n")
    if name == "0003_gap.sql" and next_number(folder) == 4:
        name = "0009_gap.sql"
        (folder / "0003_gap.sql").rename(folder / name)
    with pytest.raises(MigrationError, match="expected a name such as"):
        load(folder)


def test_a_missing_folder_says_which_variable_names_it(tmp_path):
    with pytest.raises(MigrationError, match="CHATSYSTEM_SQL_DIR"):
        load(tmp_path / "nowhere")


def test_an_unfinished_statement_is_refused(folder, path):
    add(folder, "CREATE TABLE open (id INTEGER)\n")
    with pytest.raises(MigrationError, match="semicolon"):
        migrate(path, load(folder))


def test_several_migrations_at_once_apply_each_file_once(folder, path):
    done, failed = [], []

    def run():
        try:
            done.extend(migrate(path, load(folder)))
        except Exception as error:  # noqa: BLE001 - shown by the test
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(each.number for each in done) == list(range(1, next_number(folder)))
