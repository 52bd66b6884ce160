"""How values look on the wire: camelCase members, RFC 3339 times in UTC, lists with a cursor."""

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel

from aforo.kit.clock import rfc3339

Moment = Annotated[datetime, PlainSerializer(rfc3339, return_type=str, when_used="json")]


class WireModel(BaseModel):
    """Reads and writes camelCase; refuses members that it does not know, so that a typing error is told."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


Item = TypeVar("Item")


class Page(WireModel, Generic[Item]):
    """A list answer; `nextCursor` is null on the last page."""

    data: list[Item]
    next_cursor: str | None = None
