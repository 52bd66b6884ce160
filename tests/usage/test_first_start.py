"""A first start that dies half-way, such as on a full disk, leaves nothing that the next one stumbles over."""

import subprocess
import sys
from pathlib import Path

import pytest

from aforo.usage.dead_letters import DeadLetters
from aforo.usage.rollups.store import RollupStore

FULL = """
import resource, signal, sqlite3, sys
from pathlib import Path
from aforo.usage.dead_letters import DeadLetters
from aforo.usage.rollups.store import RollupStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for bytes_left in range(4096, 15 * 4096, 4096):
    path = Path(sys.argv[2], str(bytes_left))
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, resource.RLIM_INFINITY))
    try:
        DeadLetters(path, writes=True) if sys.argv[1] == "letters" else RollupStore(path)
    except sqlite3.Error:
        print(path)
"""


@pytest.mark.parametrize("kind", ["letters", "rollups"])
def test_a_database_whose_making_was_cut_short_is_made_anew(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-c", FULL, kind, str(tmp_path)]
    failed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert len(failed) >= 3
    for name in failed:
        if kind == "letters":
            DeadLetters(Path(name), writes=True).close()
        else:
            RollupStore(Path(name)).close()
