"""What a seat is called at Kong: ids, names, tags and groups that follow from the subscription alone. Pure."""

import re
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Final

from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateways.kong.mapping import Row

MARK: Final = "aforo"
KEY_TYPE: Final = "key_auth"
_SPACE: Final = uuid.UUID("5b0f6f0a-2d1e-5a53-9c1f-7d1d0f6a9e11")
_SUBSCRIPTION: Final = "aforo-subscription:"
_CREDENTIAL: Final = "aforo-credential:"
_NOT_IN_TAGS: Final = re.compile(r"[,/\s]+")


class Names:
    """Of one subscription. `parked` is the consumer on which its suspended keys wait, which may call nothing."""

    def __init__(self, subscription_id: str) -> None:
        self.subscription_id = subscription_id
        self.username = f"aforo-{subscription_id}"
        self.parked_username = f"aforo-{subscription_id}-suspended"
        self.consumer = self._id("consumer")
        self.parked = self._id("parked")
        self.tags = [MARK, f"{_SUBSCRIPTION}{subscription_id}"]

    def key(self, credential_id: str) -> str:
        return self._id("key", credential_id)

    def key_tags(self, credential_id: str) -> list[str]:
        return [*self.tags, f"{_CREDENTIAL}{credential_id}"]

    def acl(self, consumer: str, group: str) -> str:
        return self._id("acl", consumer, group)

    def plugin(self, consumer: str, plugin: str) -> str:
        return self._id("plugin", consumer, plugin)

    def owns(self, row: Row) -> bool:
        """Whether the row carries this subscription's mark."""
        return subscription_of(row) == self.subscription_id

    def _id(self, *parts: str) -> str:
        return str(uuid.uuid5(_SPACE, "/".join((self.subscription_id, *parts))))


class PlanNames:
    """Of one plan, where consumer groups hold it."""

    def __init__(self, key: str) -> None:
        self.name = f"aforo-{key}"
        self.group = str(uuid.uuid5(_SPACE, f"plan/{key}"))
        self.tags = [MARK, f"aforo-plan:{key}"]

    def plugin(self, plugin: str) -> str:
        return str(uuid.uuid5(uuid.UUID(self.group), plugin))


def subscription_of(row: Row) -> str | None:
    """The subscription that the row's mark names; None for what is not ours."""
    return _named(row, _SUBSCRIPTION) if MARK in _tags(row) else None


def credential_of(row: Row) -> str | None:
    return _named(row, _CREDENTIAL)


def group(product: ScopedProduct) -> str:
    """The ACL group that opens a product, such as `product-payments-v2`; its service is to allow it."""
    return f"product-{_NOT_IN_TAGS.sub('-', product.ref)}"


def opens(groups: Iterable[str], acls: Sequence[Row]) -> bool:
    """Whether a consumer in these groups passes the service's acl plugins; without one anybody does."""
    mine = set(groups)
    return all(_passes(mine, acl.get("config") or {}) for acl in acls)


def _passes(mine: set[str], config: Any) -> bool:
    allowed = not config.get("allow") or bool(mine & set(config["allow"]))
    return allowed and not mine & set(config.get("deny") or ())


def _named(row: Row, prefix: str) -> str | None:
    return next((tag.removeprefix(prefix) for tag in _tags(row) if tag.startswith(prefix)), None)


def _tags(row: Row) -> Sequence[str]:
    return row.get("tags") or ()
