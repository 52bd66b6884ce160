"""Which values of a policy are secret, and which ones Anypoint has masked."""

import re
from collections.abc import Iterator
from typing import Any, Final

from aforo.kit.jsontree import Json, leaves

_MASK: Final = re.compile(r"^(\*{3,}|•{3,}|!\[[^\]]*\]|<(sensitive|redacted|masked|hidden)>)$", re.IGNORECASE)
_SECRET_NAME: Final = re.compile(
    r"(secret|password|passwd|passphrase|private_?key|api_?key|access_?key|credentials?|token)$", re.IGNORECASE
)
_REFERENCE: Final = re.compile(r"^(\$\{.+\}|#\[.+\]|p\(.+\))$", re.DOTALL)


def masked_in(fields: Json) -> frozenset[str]:
    """Pointers to the leaves whose value the vendor hides; a list that holds a hidden one is hidden as a whole."""
    return frozenset(pointer for pointer, value in leaves(fields) if any(_MASK.match(text) for text in _texts(value)))


def secrets_in(fields: Json) -> frozenset[str]:
    """Pointers to the leaves named like a secret. A placeholder or an expression that fetches one is none."""
    return frozenset(pointer for pointer, value in leaves(fields) if _is_secret(pointer, value))


def _is_secret(pointer: str, value: Json) -> bool:
    name = pointer.rpartition("/")[2]
    return any(bool(_SECRET_NAME.search(inner)) for inner, text in _named_texts(name, value) if _is_told(text))


def _is_told(text: str) -> bool:
    return bool(text) and not _MASK.match(text) and not _REFERENCE.match(text)


def _texts(value: Any) -> Iterator[str]:
    return (text for _, text in _named_texts("", value))


def _named_texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text in a leaf, with the name of the member that it stands in."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _named_texts(name, one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _named_texts(str(key), one)
