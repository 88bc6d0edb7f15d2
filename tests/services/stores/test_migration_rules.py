"""Migration files that older code would stumble over are found, with their place and the remedy."""

import hashlib
import re

import pytest

from services.stores.migrate import Migration, load, sql_directory
from services.stores.migration_rules import disagreements, main, problems

FIRST = """
CREATE TABLE person (
    id    INTEGER PRIMARY KEY,
    name  VARCHAR(64) NOT NULL UNIQUE,
    note  VARCHAR(200) DEFAULT 'a, b (c)',
    size  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (id), INDEX person_note (note)
);
"""
EXPANDS = "-- Works with code from: 0001\n"
ENDS = "-- Ends older code: nothing older is in use\n"
TABLE = "CREATE TABLE more (id INTEGER NOT NULL, name TEXT) "
OPTIONS = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=/*!80017 utf8mb4_0900_bin *//*M! utf8mb4_nopad_bin */"


def files(*texts):
    found = []
    for number, text in enumerate(texts, start=1):
        promise = re.search(r"^-- Works with code from: (\d{4})$", text, re.MULTILINE)
        works_from = int(promise[1]) if promise else number
        checksum = hashlib.sha256(text.encode()).hexdigest()
        found.append(Migration(number, f"{number:04}_file.sql", text, checksum, works_from))
    return found


def wrong(statement, promise=EXPANDS, dialect="sqlite"):
    return problems(dialect, files(FIRST, promise + statement))


@pytest.mark.parametrize(
    ("statement", "because"),
    [
        ("DROP TABLE person;", "drops a table"),
        ("DROP TABLE IF EXISTS `person`;", "drops a table"),
        ("DROP INDEX person_note;", "drops a index"),
        ("ALTER TABLE person DROP COLUMN note;", "drops a column"),
        ("ALTER TABLE person DROP note;", "drops a column"),
        ("ALTER TABLE person ADD COLUMN age INTEGER, DROP COLUMN note;", "drops a column"),
        ("ALTER TABLE person DROP PRIMARY KEY;", "drops a primary"),
        ("ALTER TABLE person RENAME TO human;", "renames"),
        ("ALTER TABLE person RENAME COLUMN note TO remark;", "renames"),
        ("RENAME TABLE person TO human;", "renames"),
        ("ALTER TABLE person CHANGE note remark VARCHAR(200);", "renames"),
        ("ALTER TABLE person ADD COLUMN age INTEGER NOT NULL;", "NOT NULL without a DEFAULT"),
        ("ALTER TABLE person ADD age INTEGER NOT NULL;", "NOT NULL without a DEFAULT"),
        ("ALTER TABLE person ADD COLUMN age INTEGER NOT NULL DEFAULT 0 UNIQUE;", "one row only"),
        ("CREATE UNIQUE INDEX person_size ON person (size);", "may violate"),
        ("ALTER TABLE person ADD UNIQUE (size);", "may violate"),
        ("ALTER TABLE person ADD CONSTRAINT positive CHECK (size >= 0);", "may violate"),
        ("ALTER TABLE person MODIFY note VARCHAR(100);", "narrower"),
        ("ALTER TABLE person MODIFY COLUMN size SMALLINT NOT NULL DEFAULT 0;", "narrower"),
        ("ALTER TABLE person MODIFY note BIGINT;", "another kind"),
        ("ALTER TABLE person MODIFY note TINYTEXT;", "another kind"),
        ("ALTER TABLE person MODIFY note VARCHAR(200) NOT NULL;", "becomes NOT NULL"),
        ("ALTER TABLE person MODIFY size INTEGER NOT NULL;", "loses its default"),
        ("ALTER TABLE person MODIFY height INTEGER;", "no file before"),
        ("DELETE FROM person WHERE size = 0;", "DELETE of rows"),
        ("TRUNCATE TABLE person;", "TRUNCATE of rows"),
    ],
)
def test_what_older_code_stumbles_over_is_found(statement, because):
    (problem,) = wrong(statement)
    assert because in problem
    assert problem.startswith("sqlite/0002_file.sql, statement 1: ")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (id INTEGER NOT NULL);",
        "CREATE TABLE more (id INTEGER NOT NULL); CREATE UNIQUE INDEX more_id ON more (id); DROP TABLE more;",
        "ALTER TABLE person ADD COLUMN age INTEGER;",
        "ALTER TABLE person ADD COLUMN age INTEGER NOT NULL DEFAULT 0;",
        "ALTER TABLE person ADD COLUMN phone TEXT UNIQUE;",
        "CREATE INDEX person_size ON person (size);",
        "ALTER TABLE person ADD INDEX person_size (size);",
        "ALTER TABLE person MODIFY note VARCHAR(300) DEFAULT '';",
        "ALTER TABLE person MODIFY note MEDIUMTEXT;",
        "ALTER TABLE person MODIFY size BIGINT NOT NULL DEFAULT 0;",
        "UPDATE person SET note = 'DROP TABLE person; --' WHERE note IS NULL;",
        "INSERT INTO person (name) VALUES ('x');",
        "-- DROP TABLE person;\nALTER TABLE person ADD COLUMN age INTEGER; /* RENAME */",
    ],
)
def test_what_only_adds_is_allowed(statement):
    assert wrong(statement) == []


@pytest.mark.parametrize("statement", ["DROP TABLE person;", "ALTER TABLE person MODIFY note VARCHAR(1);"])
def test_a_file_that_ends_older_code_may_do_anything(statement):
    assert wrong(statement, promise=ENDS) == []


@pytest.mark.parametrize(
    ("promise", "because"),
    [
        ("", "says neither"),
        ("-- Works with code from: 0007\n", "no earlier file"),
        ("-- Works with code from: 0000\n", "no earlier file"),
        (EXPANDS + ENDS, "says both"),
        ("-- Ends older code:\n", "says neither"),
    ],
)
def test_every_file_says_what_becomes_of_older_code(promise, because):
    (problem,) = wrong("CREATE TABLE more (id INTEGER);", promise=promise)
    assert because in problem


@pytest.mark.parametrize("statement", ["BEGIN;", "USE chen_im;", "GRANT ALL ON *.* TO root;", "SET GLOBAL x = 1;"])
def test_what_is_no_change_of_a_schema_is_refused(statement):
    (problem,) = wrong(statement)
    assert "no change of a schema" in problem


@pytest.mark.parametrize(
    "options", ["", "ENGINE=InnoDB", OPTIONS.replace("InnoDB", "MyISAM"), OPTIONS.split("/*M", maxsplit=1)[0]]
)
def test_a_table_on_mysql_compares_texts_by_bytes(options):
    (problem,) = problems("mysql", files(f"{TABLE}{options};"))
    assert "texts compare by bytes" in problem
    assert problems("mysql", files(f"{TABLE}{OPTIONS};")) == []


def test_an_unfinished_statement_is_named():
    (problem,) = wrong("CREATE TABLE more (id INTEGER)")
    assert "semicolon" in problem


def test_dialects_that_have_different_files_are_told():
    one, other = files(FIRST, EXPANDS), files(FIRST, ENDS)
    assert disagreements(one, one) == []
    assert len(disagreements(one, other)) == 1
    assert len(disagreements(one, one[:1])) == 1


def test_the_files_of_this_version_keep_the_rules():
    for dialect in ("sqlite", "mysql"):
        assert problems(dialect, load(sql_directory() / dialect)) == []
    assert main([]) == 0


def test_the_command_lists_what_is_wrong(tmp_path, capsys):
    for dialect in ("sqlite", "mysql"):
        (tmp_path / dialect).mkdir()
        (tmp_path / dialect / "0001_first.sql").write_text("CREATE TABLE a (id INTEGER);\n")
        (tmp_path / dialect / "0002_next.sql").write_text("DROP TABLE a;\n")
    assert main([str(tmp_path)]) == 1
    printed = capsys.readouterr().err
    assert "sqlite/0002_next.sql: says neither" in printed
    assert "mysql/0001_first.sql, statement 1: table a needs ENGINE=InnoDB" in printed


def test_a_folder_without_migrations_is_told(tmp_path, capsys):
    assert main([str(tmp_path)]) == 1
    assert "no migrations at" in capsys.readouterr().err
