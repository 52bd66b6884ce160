"""A plan as one usage plan, and a usage plan as AWS tells it. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from aforo.gateway_sdk.contract import Entity, Product
from aforo.gateway_sdk.pricing import Offer
from aforo.gateways.aws.provisioner import limits
from aforo.gateways.aws.provisioner.holding import limits_of
from aforo.gateways.aws.provisioner.names import PlanShape, Row, is_kept, plan_of, stage_of, stages_of
from aforo.gateways.aws.provisioner.plans import stage_patches
from aforo.kit.jsontree import JsonObject

USAGE_PLAN: Final = "usage_plan"
_MEMBERS: Final = {"quota": ("limit", "period", "offset"), "throttle": ("rateLimit", "burstLimit")}


def carried(offer: Offer) -> Product:
    """One usage plan for all REST stages, or nothing where the plan has none."""
    stages = frozenset(stage for one in offer.products if (stage := stage_of(one.native_id)))
    shape = PlanShape(offer.key, stages, limits.carried(offer.limits))
    entity = Entity(USAGE_PLAN, shape.name, shape.name, _fields(stages, shape.limits, kept=True), owned=True)
    return Product(f"plan:{offer.key}", offer.plan_id, offer.name, str(offer.version), (entity,) if stages else ())


def shape_of(target: Entity, plan_key: str) -> PlanShape:
    """What is to be made for this wish."""
    told: Any = target.fields
    return PlanShape(plan_key, frozenset(told["stages"]), {name: told[name] for name in _MEMBERS if name in told})


def seen(row: Row) -> Entity:
    name = str(row.get("name"))
    fields = _fields(stages_of([row]), limits_of(row), kept=is_kept(row))
    return Entity(USAGE_PLAN, name, str(row["id"]), fields, owned=plan_of(row) is not None)


def patches(row: Row, target: Entity) -> list[dict[str, str]]:
    """From the usage plan as it stands to the wish, in one go."""
    told: Any = target.fields
    found = stage_patches(stages_of([row]), told["stages"])
    for part, members in _MEMBERS.items():
        now, then = limits_of(row).get(part, {}), told.get(part) or {}
        if now and not then:
            found.append({"op": "remove", "path": f"/{part}"})
        elif now != then:
            found += [_replaced(part, name, then.get(name, 0)) for name in members if now.get(name) != then.get(name)]
    return found


def _replaced(part: str, name: str, value: object) -> dict[str, str]:
    return {"op": "replace", "path": f"/{part}/{name}", "value": str(value)}


def _fields(stages: frozenset[str], held: Mapping[str, Any], *, kept: bool) -> JsonObject:
    return {"stages": sorted(stages), "keptWithoutKeys": kept, **held}
