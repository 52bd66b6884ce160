"""The edge that is tortured; or one of the two mutants, which must not pass.

`python -m aforo.app.torture.child <data folder> <mutant>`.
"""

import sys
from pathlib import Path
from typing import Final

from aforo.app.edge.process import Durability, run


def _unsynced(_: int) -> None:
    """What a log without its fdatasync would do."""


MUTANTS: Final = {
    "none": Durability(),
    "log": Durability(log=_unsynced),
    "ledger": Durability(ledger="OFF"),
}

if __name__ == "__main__":
    run(Path(sys.argv[1]), "127.0.0.1", 0, durability=MUTANTS[sys.argv[2]])
