"""How values look on the wire: camelCase members, RFC 3339 times in UTC, lists with a cursor."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer, model_validator
from pydantic.alias_generators import to_camel

from aforo.kit.clock import rfc3339

Moment = Annotated[datetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]


def _has_surrogate(given: Any) -> bool:
    if isinstance(given, str):
        return any("\ud800" <= letter <= "\udfff" for letter in given)
    if isinstance(given, dict):
        return any(_has_surrogate(name) or _has_surrogate(member) for name, member in given.items())
    return isinstance(given, list) and any(map(_has_surrogate, given))


class WireModel(BaseModel):
    """Reads and writes camelCase; refuses members that it does not know, so that a typing error is told."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def refuse_half_characters(cls, given: Any) -> Any:
        """A lone surrogate is no character: no file, terminal or answer could hold it."""
        if isinstance(given, dict) and _has_surrogate(given):
            raise ValueError("holds a lone surrogate, which is no character")
        return given


Item = TypeVar("Item")


class Page(WireModel, Generic[Item]):
    """A list answer; `nextCursor` is null on the last page."""

    data: list[Item]
    next_cursor: str | None = None
