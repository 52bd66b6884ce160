"""Rules that must know which API and stage they are about."""

import re
from dataclasses import dataclass

from aforo.gateways.aws.mapping.trees import THIS_API, Tree, as_object, texts, without


@dataclass(frozen=True, slots=True)
class Own:
    """The API and stage that a tree belongs to."""

    api_id: str
    stage: str


def without_own_id(tree: Tree, own: Own) -> Tree:
    """The API's id within ARNs and addresses becomes a placeholder; `trees.with_own_id` is the way back."""
    there = re.escape(own.api_id)
    pattern = re.compile(
        rf"(execute-api:[\w-]*:\d*:|/restapis/|/apis/|://){there}(?=[/.:*]|$)|(?<![\w-]){there}(?=\.execute-api\.)"
    )
    return as_object(texts(tree, lambda text: pattern.sub(lambda found: (found[1] or "") + THIS_API, text)))


def this_stage_only(tree: Tree, own: Own) -> Tree:
    """A plan may cover many stages; only this one's method throttles belong to this product."""
    throttles = [
        stage["throttle"]
        for stage in tree.get("apiStages") or []
        if (stage.get("apiId"), stage.get("stage")) == (own.api_id, own.stage) and stage.get("throttle")
    ]
    rest = without(tree, {"apiStages"})
    return {**rest, "methodThrottle": throttles[0]} if throttles else rest
