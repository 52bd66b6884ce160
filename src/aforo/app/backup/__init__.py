"""One archive of a data folder, made while Aforo runs, and a data folder made from one.

The order of copying is what makes an archive sound; `copy` says it. The sealing key is never part of one.
"""

from aforo.app.backup.archive import check
from aforo.app.backup.contents import CannotBackUp, CannotRestore, Contents
from aforo.app.backup.copy import back_up
from aforo.app.backup.restore import restore

__all__ = ["CannotBackUp", "CannotRestore", "Contents", "back_up", "check", "restore"]
