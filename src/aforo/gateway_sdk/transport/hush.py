"""Takes a connection's secrets out of a text, also in the forms in which they travel or are echoed."""

import base64
import json
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Final
from urllib.parse import quote, quote_plus

_DOTS: Final = "••••"
_SHORTEST: Final = 4
_SHORTEST_LINE: Final = 16
_LONGEST_TO_DERIVE: Final = 64 * 1024
"""Above that it is a whole document, which nobody encodes into a header or an address."""
_PEM: Final = re.compile(r"-----BEGIN [^-]+-----(.*?)-----END", re.DOTALL)


class Hush:
    """Call it with a text; what comes back holds none of the secrets of four characters or more.

    Known forms: as it is, inside JSON and Python text, in an address, in base64 at any offset (so also as
    `user:secret`), and each line of a PEM text. Hush before cutting: half a secret is not recognised.
    """

    def __init__(self, secrets: Collection[str]) -> None:
        self._secrets = tuple(secret for secret in secrets if len(secret) >= _SHORTEST)

    def __call__(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, _DOTS)
        return text

    @cached_property
    def _forms(self) -> tuple[str, ...]:
        """Longest first, so that no part is taken out of a whole and leaves the rest."""
        found = {form for secret in self._secrets for form in _forms(secret)}
        return tuple(sorted((form for form in found if len(form) >= _SHORTEST), key=len, reverse=True))


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield from _pem_lines(secret)
    if len(secret) > _LONGEST_TO_DERIVE:
        return
    yield from _escaped(secret)
    yield from _in_an_address(secret)
    yield from _base64(secret.encode(errors="replace"))


def _pem_lines(secret: str) -> Iterator[str]:
    """A key stands in a file by itself, or as one string of a JSON file with its line ends escaped."""
    for block in _PEM.findall(secret):
        for line in re.split(r"\\n|\\r|\s+", block):
            if len(line) >= _SHORTEST_LINE:
                yield line
                yield line.replace("/", "\\/")


def _escaped(secret: str) -> Iterable[str]:
    text = json.dumps(secret)[1:-1]
    return (
        text,
        text.replace("/", "\\/"),
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        repr(secret.encode(errors="replace"))[2:-1],
    )


def _in_an_address(secret: str) -> Iterator[str]:
    raw = secret.encode(errors="replace")
    for text in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        yield text
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), text)


def _base64(raw: bytes) -> Iterator[str]:
    """The letters that depend on the secret alone, for each of the three offsets that it can have in a longer text."""
    for before, mixed in ((0, 0), (1, 2), (2, 3)):
        coded = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        inner = coded[mixed : len(coded) - (1 if (before + len(raw)) % 3 else 0)]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")
