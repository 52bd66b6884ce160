"""A child of the supervisor: runs one module of ours, and ends when the supervisor does.

`python -m aforo.app.child aforo.app.api …`. The supervisor holds the other end of an inherited pipe and never writes
to it: whatever ends the supervisor, kill -9 too, ends the pipe.
"""

import os
import runpy
import signal
import sys
import threading
import time
from typing import Final

LIFE_FD: Final = "AFORO_LIFE_FD"
_GRACE_SECONDS: Final = 25.0
"""For finishing what was begun; the edge takes up to 20 s."""


def end_with_the_supervisor(pipe: int) -> None:
    """Returns at once; from now on the pipe's end asks this process to stop, and insists after the grace."""
    threading.Thread(target=_watch, args=(pipe,), daemon=True, name="supervisor's life").start()


def _watch(pipe: int) -> None:
    os.read(pipe, 1)
    os.dup2(
        os.open(os.devnull, os.O_WRONLY), 2
    )  # the supervisor read it; a log line must not fail what is finished now
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os._exit(1)


def main() -> None:
    end_with_the_supervisor(int(os.environ[LIFE_FD]))
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
