"""What the database refuses, as one of our errors: the last resort behind the rooms' own checks."""

import logging
import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnection

from aforo.kit.errors import AforoError, Conflict, Overloaded

log = logging.getLogger(__name__)

_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNWRITABLE: Final = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
)


class StorageUnavailable(Overloaded):
    """The records take no writes: the disk is full, read-only or failing. An operator must act."""

    code = "storage_unavailable"


def storage_fault(fault: Exception) -> AforoError | None:
    """The error that a failure of the database stands for; None for any other failure."""
    if isinstance(fault, IntegrityError):
        log.error("a rule of the records was about to be broken, and no room had said so before", exc_info=fault)
        return Conflict(
            "This contradicts what is recorded. Nothing was changed.", next_step="Read it again, then retry."
        )
    if isinstance(fault, NoConnection):
        return _busy()
    if not isinstance(fault, DBAPIError):
        return None
    number = getattr(fault.orig, "sqlite_errorcode", 0) & 0xFF
    if number in _BUSY:
        return _busy()
    if number in _UNWRITABLE:
        log.error("the records cannot be written", exc_info=fault)
        return StorageUnavailable(
            f"The records cannot be written: {fault.orig}. Nothing was changed.",
            next_step="Make room on the disk of the data folder, or make it writable.",
            retry_after_seconds=30,
        )
    return None


def _busy() -> AforoError:
    return Overloaded("The records are busy. Nothing was changed.", next_step="Send the same again.")
