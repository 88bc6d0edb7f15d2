"""What an error of the server or the driver means for the work that met it. Pure.

Texts of the server quote values of rows ("Duplicate entry 'alice'"), so they are never passed on: an error is told by its
number and its name, and by the column or key where the server names one.
"""

from __future__ import annotations

import re

import pymysql
from pymysql.constants import ER

from services.stores.ports import StoreError, UniqueViolation


class TransactionLostError(StoreError):
    """The server undid the transaction in favour of another one: the work may be done again at once."""


class ConnectionLostError(StoreError):
    """The connection is of no use any more, and what was not committed is undone."""


class SchemaConflictError(StoreError):
    """A definition that is to be made is there already, or one to be dropped is gone. For the migrator."""


_UNIQUE = {1062, 1169, 1586}
_LOST = {
    *(2006, 2013, 2014, 2027, 2055),  # the driver's own: gone away, lost, out of step
    *(1053, 1077, 1079),  # the server is shutting down
    *(1152, 1158, 1159, 1160, 1161, 1184),  # aborted, network errors
    *(1927, 3169, 4031),  # killed, idle for too long
    *(1290, 1836),  # the server became read-only: another address may be the primary now
}
_REPEAT = {1205, 1213, 1020, 1412, 1614, 3058, 3572}
"""Lock wait, deadlock, record or table changed meanwhile, XA deadlock, user-level deadlock, NOWAIT."""
_TOO_SLOW = {1317, 1969, 3024, 1028}
_FULL = {1021, 1114, 1026, 3}
_CONFLICT = {1050, 1060, 1061, 1091, 1051, 1146, 1054, 1022, 1826, 3822}
_OVERLOADED = {1040, 1203, 1226, 1041, 1037, 1038, 1129}
_DENIED = {1044, 1045, 1142, 1143, 1227, 1698, 1130, 1251, 2059}

_TELLING = {1048, 1050, 1054, 1060, 1061, 1091, 1146, 1264, 1265, 1364, 1406}
"""Errors whose text names a column, key or table and no value."""

_NAMES = {number: name for name, number in vars(ER).items() if isinstance(number, int) and name != "ERROR_FIRST"}
_KEY = re.compile(r"for key '([^']{1,128})'$")
_COLUMN = re.compile(r"(?:for |Unknown )?[Cc]olumn '([^']{1,128})'")
_TABLE = re.compile(r"[Tt]able '([\w.$-]{1,128})'")


def code_of(error: BaseException) -> int:
    """The error number, 0 if there is none."""
    code = error.args[0] if error.args else 0
    # The driver reads the number as signed.
    return code & 0xFFFF if isinstance(code, int) else 0


def translate(error: Exception) -> Exception:
    """The port's exception for an error of PyMySQL. Its text names no value of a row."""
    code = code_of(error)
    text = str(error.args[1]) if len(error.args) > 1 else ""
    if code in _UNIQUE:
        key = _KEY.search(text)
        return UniqueViolation(f"a row with this key exists: {key[1]}" if key else "a row with this key exists")
    if code in _REPEAT:
        return TransactionLostError(f"another transaction was in the way ({_named(code)})")
    if code in _LOST or isinstance(error, pymysql.err.InterfaceError):
        return ConnectionLostError(f"the connection to the database was lost ({_named(code)})")
    if code in _FULL:
        return StoreError("the database cannot grow: the disk is full; free some space")
    if code in _TOO_SLOW:
        return StoreError("the database took too long for a statement and broke it off")
    if code in _OVERLOADED:
        return StoreError(f"the database takes no more connections or work now ({_named(code)})")
    if code in _DENIED:
        return StoreError(
            f"the database refused the name, the password or a right of this user ({_named(code)}); check the files that "
            "CHATSYSTEM_DATABASE_USERNAME_FILE and CHATSYSTEM_DATABASE_PASSWORD_FILE name, and the user's grants",
            retryable=False,
        )
    if code == ER.BAD_DB_ERROR:
        return StoreError("the database that the URL names does not exist; create it", retryable=False)
    if code in _CONFLICT:
        return SchemaConflictError(_refused(code, text), retryable=False)
    return StoreError(_refused(code, text), retryable=False)


def _refused(code: int, text: str) -> str:
    where = (_COLUMN.search(text) or _TABLE.search(text)) if code in _TELLING else None
    return f"the database refused a statement: {_named(code)}{f', {where[1]}' if where else ''}"


def _named(code: int) -> str:
    name = _NAMES.get(code)
    return f"error {code} {name}" if name else f"error {code}"
