"""Follows a job at the API, with a progress bar where it takes more than a second and somebody looks."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import Failure, failure

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_CALM_SECONDS: Final = 1.0
_FIRST_PAUSE_SECONDS: Final = 0.02
_LONGEST_PAUSE_SECONDS: Final = 0.4
_LOST_AT_MOST: Final = 5


class Waiting:
    """`err` makes the console for the bar when it is first needed; `shows` is whether a person looks at it."""

    def __init__(self, err: "Callable[[], Console]", *, shows: bool) -> None:
        self._err = err
        self._shows = shows

    def until_ended(self, title: str, job_id: str, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The job once it has ended. Ctrl-C leaves it running, and says how to find it again."""
        try:
            with CtrlC() as ctrl_c, self._bar(title) as show:
                return _poll(job_id, ask, show, ctrl_c)
        except KeyboardInterrupt:
            raise failure(
                "left_running",
                Exit.INTERRUPTED,
                "Left",
                f"{title} goes on at Aforo without you.",
                next_step=f"aforo jobs wait {job_id}, or stop it: aforo jobs cancel {job_id}",
            ) from None

    @contextmanager
    def _bar(self, title: str) -> "Iterator[Callable[[dict[str, Any]], None]]":
        started = time.monotonic()
        bar: Progress | None = None
        task: TaskID | None = None

        def show(job: dict[str, Any]) -> None:
            nonlocal bar, task
            if self._shows and bar is None and time.monotonic() - started > _CALM_SECONDS:
                bar = new_bar(self._err())
                bar.start()
                task = bar.add_task(title, total=None, words="")
            if bar is not None and task is not None:
                bar.update(task, completed=job["done"], total=job["about"], words=counted(job))

        try:
            yield show
        finally:
            if bar is not None:
                bar.stop()


class CtrlC:
    """While this is entered, Ctrl-C interrupts `at_once` and waits elsewhere: within the bar's drawing it could leave
    the bar's lock held, and the thread that draws it waiting for ever."""

    def __init__(self) -> None:
        self._pressed = threading.Event()
        self._at_once = False
        self._before: Any = None
        self._is_heard = threading.current_thread() is threading.main_thread()  # signals reach no other

    def __enter__(self) -> Self:
        if self._is_heard:
            self._before = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_heard:
            signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def at_once(self) -> "Iterator[None]":
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False

    def sleep(self, seconds: float) -> None:
        """Raises KeyboardInterrupt as soon as, or if already, it was pressed."""
        if self._pressed.wait(seconds):
            raise KeyboardInterrupt

    def _press(self, *_: object) -> None:
        self._pressed.set()
        if self._at_once:
            raise KeyboardInterrupt


def new_bar(console: "Console") -> "Progress":
    """A bar that leaves nothing behind."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[words]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def counted(job: dict[str, Any]) -> str:
    """`380 of about 1,000 products`."""
    if not job["done"] and not job["about"]:
        return str(job["what"] or "")
    of = f" of about {job['about']:,}" if job["about"] else ""
    return f"{job['done']:,}{of} {job['what']}".rstrip()


def _poll(
    job_id: str, ask: Callable[[], dict[str, Any]], show: Callable[[dict[str, Any]], None], ctrl_c: CtrlC
) -> dict[str, Any]:
    pause, lost = _FIRST_PAUSE_SECONDS, 0
    while True:
        try:
            with ctrl_c.at_once():
                job = ask()
            lost = 0
        except Failure as fault:
            lost += 1
            if fault.exit is not Exit.NO_AFORO or lost > _LOST_AT_MOST:
                fault.next_step = (
                    f"{fault.next_step or ''} The job, once Aforo is back: aforo jobs wait {job_id}".strip()
                )
                raise
        else:
            if job["state"] != "RUNNING":
                return job
            show(job)
        ctrl_c.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
