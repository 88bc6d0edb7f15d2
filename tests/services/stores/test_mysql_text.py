"""What the MySQL adapter decides without a server: literals, errors, addresses, versions."""

import pymysql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.stores.access import Access
from services.stores.mysql.connect import server_of
from services.stores.mysql.errors import ConnectionLostError, TransactionLostError, translate
from services.stores.mysql.literals import LARGEST_STATEMENT, filled, inserts, literal
from services.stores.mysql.target import read_target
from services.stores.ports import StoreError, UniqueViolation
from services.stores.statements import UnfinishedStatement, statements


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (True, "1"),
        (-5, "-5"),
        (2**63, str(2**63)),
        (1.5, "1.5"),
        (b"\x00'", "x'0027'"),
        ("a'b\\", "'a\\'b\\\\'"),
    ],
)
def test_literals(value, text):
    assert literal(value) == text


@given(st.text())
def test_a_text_never_ends_its_literal_early(text):
    written = literal(text)
    assert (written[0], written[-1]) == ("'", "'")
    position = 1
    while position < len(written) - 1:
        assert written[position] != "'"
        position += 2 if written[position] == "\\" else 1
    assert position == len(written) - 1, "the last quote is not escaped"


def test_a_type_that_no_column_has_is_refused():
    with pytest.raises(TypeError, match="dict"):
        literal({})


def test_parameters_stand_where_the_marks_are_and_are_not_looked_at_again():
    assert filled("SELECT ? + ?", ("?", 1)) == "SELECT '?' + 1"
    assert filled("SELECT '100%'", ()) == "SELECT '100%'"
    with pytest.raises(ValueError, match="2 parameters, 1 were given"):
        filled("SELECT ? + ?", (1,))


@given(st.lists(st.integers(1, LARGEST_STATEMENT // 3), max_size=12))
def test_many_rows_become_few_statements_of_a_bounded_size_in_order(sizes):
    rows = [(number, "x" * size) for number, size in enumerate(sizes)]
    made = list(inserts("t", ("a", "b"), rows))
    assert all(len(sql) <= LARGEST_STATEMENT + 200 for sql in made)
    assert len(made) <= 1 + 2 * sum(sizes) // LARGEST_STATEMENT + 1
    found = [int(part.split(",")[0]) for sql in made for part in sql.partition(" VALUES (")[2].split(",(")]
    assert found == list(range(len(rows)))


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        (1062, UniqueViolation, None),
        (1213, TransactionLostError, True),
        (1205, TransactionLostError, True),
        (2013, ConnectionLostError, True),
        (1053, ConnectionLostError, True),
        (1290, ConnectionLostError, True),
        (1114, StoreError, True),
        (3024, StoreError, True),
        (1969, StoreError, True),
        (1040, StoreError, True),
        (1045, StoreError, False),
        (1064, StoreError, False),
        (1406, StoreError, False),
    ],
)
def test_errors_of_the_server_in_words_of_the_port(code, kind, retryable):
    found = translate(pymysql.err.OperationalError(code, "some text with 'a value'"))
    assert type(found) is kind
    assert "a value" not in str(found)
    if retryable is not None:
        assert found.retryable is retryable


def test_a_unique_violation_names_the_key_and_not_the_value():
    error = pymysql.err.IntegrityError(1062, "Duplicate entry 'for key 'secret'' for key 'user.nickname'")
    assert str(translate(error)) == "a row with this key exists: user.nickname"


def test_a_number_above_32767_is_read_as_unsigned():
    assert isinstance(translate(pymysql.err.OperationalError(1213 - 65536, "x")), TransactionLostError)


@pytest.mark.parametrize(
    ("info", "server"),
    [
        ("8.4.3", ("MySQL", (8, 4, 3))),
        ("8.0.17-log", ("MySQL", (8, 0, 17))),
        ("10.11.19-MariaDB-0+deb12u1", ("MariaDB", (10, 11, 19))),
        ("5.5.5-10.6.1-MariaDB", ("MariaDB", (10, 6, 1))),
        ("11.4.2-MariaDB-ubu2404", ("MariaDB", (11, 4, 2))),
    ],
)
def test_servers_are_told_apart_by_their_greeting(info, server):
    assert server_of(info) == server


def test_a_url_names_addresses_and_database():
    target = read_target("mysql://one:3306,[::1]:3307/chen_im", Access("me"))
    assert target.addresses == (("one", 3306), ("::1", 3307))
    assert target.database == "chen_im"
    for wrong in ("mysql://one:3306", "mysql://one:3306/a/b", "mysql://one/x", "mysql://one:3306/a%60b"):
        with pytest.raises(ValueError, match=r"names no database|is not host:port"):
            read_target(wrong, Access())


def test_statements_of_a_file():
    sql = "-- one; two\nCREATE TABLE a (b TEXT DEFAULT ';''\\'', `c;` INT); /* three; */\n\n/*!80017 SELECT 1 */; # \n;"
    assert statements("SELECT 1;") == ["SELECT 1"]
    assert statements(sql)[:2] == ["CREATE TABLE a (b TEXT DEFAULT ';''\\'', `c;` INT)", "/*!80017 SELECT 1 */"]
    with pytest.raises(UnfinishedStatement):
        statements("SELECT 1;\nSELECT 2\n-- end;")
