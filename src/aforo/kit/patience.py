"""Work for a page that is not waited for beyond a moment: the page says so and comes again, the work goes on."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

from aforo.kit.errors import Overloaded

T = TypeVar("T")
PAGE_SECONDS: Final = 0.15
"""How long a page waits before it says that its figures are being counted."""
_KEPT_SECONDS: Final = 30


class StillCounting(Overloaded):
    """The sums of many events take a moment."""

    code = "still_counting"


class Patience(Generic[T]):
    """Runs each piece of work once however often it is asked for meanwhile. What somebody had no patience for is kept
    until somebody comes for it, for half a minute at most. Lives in one event loop."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[T]] = {}
        self._outlasted: set[Hashable] = set()

    async def get(self, key: Hashable, work: Callable[[], Awaitable[T]], seconds: float = PAGE_SECONDS) -> T:
        """What `work` gives. Raises StillCounting when that takes longer; and what the work raises."""
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(_run(work))
            task.add_done_callback(lambda ended: self._ended(key, ended))
        done, _ = await asyncio.wait([task], timeout=seconds)
        if not done:
            self._outlasted.add(key)
            raise StillCounting("Many events are being summed up.", next_step="Ask again in a second.")
        self._drop(key, task)
        return task.result()

    def _ended(self, key: Hashable, task: asyncio.Task[T]) -> None:
        if key in self._outlasted:
            self._outlasted.discard(key)
            task.get_loop().call_later(_KEPT_SECONDS, self._drop, key, task)
        else:
            self._drop(key, task)

    def _drop(self, key: Hashable, task: asyncio.Task[T]) -> None:
        if self._under_way.get(key) is task:
            del self._under_way[key]


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
