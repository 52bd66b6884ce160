"""Waiting with a limit that costs nothing where nothing is to be waited for.

`asyncio.timeout` arms a timer each time, which takes longer than deciding a check; a body mostly came with its head.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class Within(Generic[T]):
    """`await Within(call, until)`: what `call` gives; TimeoutError once the loop's clock passes `until()`."""

    __slots__ = ("_call", "_until")

    def __init__(self, call: Callable[[], Awaitable[T]], until: Callable[[], float]) -> None:
        self._call = call
        self._until = until

    def __await__(self) -> Generator[Any, Any, T]:
        waiting = self._call().__await__()
        try:
            awaited = next(waiting)
        except StopIteration as done:
            given: T = done.value
            return given
        return (yield from _timed(waiting, awaited, self._until()))


def _timed(waiting: Generator[Any, Any, T], awaited: Any, until: float) -> Generator[Any, Any, T]:
    task, late = cast("asyncio.Task[Any]", asyncio.current_task()), False  # only tasks await

    def end() -> None:
        nonlocal late
        late = True
        task.cancel()

    timer = asyncio.get_running_loop().call_at(until, end)
    try:
        yield awaited
        return (yield from waiting)
    except asyncio.CancelledError:
        waiting.close()
        if late and task.uncancel() == 0:
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()
