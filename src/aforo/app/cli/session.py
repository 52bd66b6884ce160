"""What one run of a command has at hand: the API, and the two streams it speaks on."""

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

from aforo.app.cli.api import Api, View
from aforo.app.cli.profile import Place, profile_path, resolve
from aforo.app.cli.waiting import Waiting

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_NEVER_WRAPS = 100_000


class Session:
    """Answers go to standard output; hints, questions, progress and errors to standard error."""

    def __init__(self, *, url: str | None, key: str | None, as_json: bool, quiet: bool) -> None:
        self._url = url
        self._key = key
        self.as_json = as_json
        self.quiet = quiet
        self._closing = ExitStack()

    @cached_property
    def place(self) -> Place:
        return resolve(self._url, self._key, profile_path(os.environ))

    @cached_property
    def api(self) -> Api:
        return self.api_at(self.place)

    def api_at(self, place: Place) -> Api:
        waiting = Waiting(lambda: self.err, shows=sys.stderr.isatty() and not self.quiet)
        return self._closing.enter_context(Api(place, waiting))

    @cached_property
    def out(self) -> "Console":
        return console_on(sys.stdout)

    @cached_property
    def err(self) -> "Console":
        return console_on(sys.stderr)

    @property
    def can_ask(self) -> bool:
        """Whether there is a person who can answer a question."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not self.as_json

    def answer(self, view: View, render: "Callable[[View], RenderableType]") -> None:
        """The command's answer: the API's JSON as it is, or a rendering for people."""
        if self.as_json:
            print(json.dumps(view, indent=2, ensure_ascii=False))
        else:
            self.out.print(render(cleaned(view)))

    def show(self, view: View, render: "Callable[[View], RenderableType]") -> None:
        """Something beside the answer, for people."""
        if not self.as_json:
            self.out.print(render(cleaned(view)))

    def say(self, words: str) -> None:
        """A sentence of result."""
        if not self.as_json:
            self.out.print(cleaned(words), soft_wrap=True)

    def hint(self, words: str) -> None:
        """What to type next; left out when quiet."""
        if not self.as_json and not self.quiet:
            self.err.print(cleaned(words), soft_wrap=True, style="dim")

    def warn(self, words: str) -> None:
        self.err.print(cleaned(f"! {words}"), soft_wrap=True, style="yellow")

    @contextmanager
    def working(self, title: str) -> Iterator[None]:
        """A sign of life on a terminal, for a call that tells no progress."""
        if self.quiet or self.as_json or not sys.stderr.isatty():
            yield
            return
        with self.err.status(cleaned(title)):
            yield

    def close(self) -> None:
        self._closing.close()


def console_on(stream: TextIO) -> "Console":
    """Colour and folding on a terminal; elsewhere whole lines, so that a pipe can be searched."""
    from rich.console import Console

    folds = stream.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console(file=stream, width=None if folds else _NEVER_WRAPS, markup=False, highlight=False, emoji=False)


def cleaned(value: Any) -> Any:
    """The value without control characters: a name at a gateway must not steer the reader's terminal."""
    if isinstance(value, str):
        return "".join(
            letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in value
        )
    if isinstance(value, dict):
        return {cleaned(name): cleaned(member) for name, member in value.items()}
    if isinstance(value, list):
        return [cleaned(member) for member in value]
    return value


def typed(*words: str) -> str:
    """A command line to type."""
    return shlex.join(words)
