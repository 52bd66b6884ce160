"""What a seat and a plan are called at AWS, and by which tags Aforo knows them again. Pure.

AWS makes the ids itself and lets two objects share a name, so the tags alone say what is ours.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aforo.gateways.aws.mapping.products import Where
from aforo.gateways.aws.mapping.rules.settings import OUR_PLAN
from aforo.kit.jsontree import digest

KEY_TYPE: Final = "api_key"
MANAGED: Final = {"managed-by": "aforo"}
"""What the role's template allows a usage plan to be removed by."""
KEPT: Final = "aforo:kept"
_SUBSCRIPTION: Final = "aforo:subscription"
_CREDENTIAL: Final = "aforo:credential"

Row = Mapping[str, Any]


class Names:
    """Of one subscription."""

    def __init__(self, subscription_id: str) -> None:
        self.subscription_id = subscription_id
        self.place = f"aforo-{subscription_id}"
        self.prefix = f"{self.place}-"

    def key(self, credential_id: str) -> str:
        return f"{self.prefix}{credential_id}"

    def tags(self, credential_id: str) -> dict[str, str]:
        return {**MANAGED, _SUBSCRIPTION: self.subscription_id, _CREDENTIAL: credential_id}

    def owns(self, row: Row) -> bool:
        return subscription_of(row) == self.subscription_id


@dataclass(frozen=True, slots=True)
class PlanShape:
    """A usage plan by its content: Aforo's plan, the stages that it opens as `apiId:stage`, and AWS's limits.

    The content is part of the name. So subscriptions on two versions of a plan, or with two scopes, each keep theirs,
    and a seat changes its plan by moving its key: AWS allows one UpdateUsagePlan in twenty seconds.
    """

    key: str
    stages: frozenset[str]
    limits: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"aforo-{self.key}-{digest([sorted(self.stages), dict(self.limits)])[:10]}"

    @property
    def tags(self) -> dict[str, str]:
        return {**MANAGED, OUR_PLAN: self.key}

    def is_made_in(self, row: Row) -> bool:
        """Whether this usage plan is meant to be this one, whatever somebody has changed in it."""
        return plan_of(row) == self.key and row.get("name") == self.name


def subscription_of(row: Row) -> str | None:
    """The subscription that a key's mark names; None for what is not ours."""
    return _tag(row, _SUBSCRIPTION)


def credential_of(row: Row) -> str | None:
    return _tag(row, _CREDENTIAL)


def plan_of(row: Row) -> str | None:
    """The key of Aforo's plan that a usage plan was made for; None for one that is not ours."""
    return _tag(row, OUR_PLAN)


def is_kept(row: Row) -> bool:
    """Whether pricing sync holds this usage plan, so that it stays without any key."""
    return _tag(row, KEPT) is not None


def stages_of(plans: Iterable[Row]) -> frozenset[str]:
    """The stages that usage plans open, as `apiId:stage`."""
    return frozenset(f"{one.get('apiId')}:{one.get('stage')}" for row in plans for one in row.get("apiStages") or ())


def stage_of(native_id: str) -> str | None:
    """A product's stage as usage plans name it; None for an HTTP API's, for which AWS has neither plans nor keys."""
    where = Where.parse(native_id)
    return f"{where.api_id}:{where.stage}" if where.flavour == "rest" else None


def _tag(row: Row, name: str) -> str | None:
    tags = row.get("tags") or {}
    found = tags.get(name)
    return str(found) if found and tags.get("managed-by") == MANAGED["managed-by"] else None
