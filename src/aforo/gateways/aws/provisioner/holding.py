"""Reads everything at AWS that a seat may consist of, and tells it as the contract wants it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from aforo.gateway_sdk.errors import GatewayNotFound
from aforo.gateway_sdk.provision import RemoteObject, Seat, Seated, SeatedKey, Standing, WantedKey
from aforo.gateways.aws.client import Aws
from aforo.gateways.aws.provisioner import limits
from aforo.gateways.aws.provisioner.names import (
    KEY_TYPE,
    Names,
    PlanShape,
    Row,
    credential_of,
    plan_of,
    stage_of,
    stages_of,
    subscription_of,
)
from aforo.gateways.aws.provisioner.plans import UsagePlans


@dataclass(slots=True)
class Holding:
    """API keys by id, ours and listed ones, and the usage plans that each is in."""

    keys: dict[str, Row] = field(default_factory=dict)
    plans: dict[str, list[Row]] = field(default_factory=dict)

    def key(self, wanted: WantedKey, names: Names) -> Row | None:
        """By its id; else the oldest that an attempt of ours made for this credential."""
        if wanted.native_id in self.keys:
            return self.keys[wanted.native_id]
        made = [row for row in self.keys.values() if names.owns(row) and credential_of(row) == wanted.credential_id]
        return min(made, key=lambda row: (str(row.get("createdDate", "")), str(row["id"])), default=None)

    def listed(self, seat: Seat, names: Names) -> list[tuple[WantedKey, Row | None]]:
        return [(one, self.key(one, names)) for one in seat.keys]

    def strays(self, seat: Seat, names: Names) -> list[Row]:
        """Keys with this subscription's mark that the seat does not list."""
        known = {row["id"] for _, row in self.listed(seat, names) if row}
        return [row for row in self.keys.values() if row["id"] not in known and names.owns(row)]

    def ours(self, key_id: str) -> list[Row]:
        return [row for row in self.plans.get(key_id, []) if plan_of(row) is not None]

    def theirs(self, key_id: str) -> list[Row]:
        return [row for row in self.plans.get(key_id, []) if plan_of(row) is None]


async def read(aws: Aws, seat: Seat) -> Holding:
    """All of it, or raises. One call for the keys, one for each adopted key, one for each key's plans."""
    names = Names(seat.subscription_id)
    asked = {"nameQuery": names.prefix, "includeValues": True}
    rows = [row for row in await aws.every("apigateway", "GetApiKeys", asked) if names.owns(row)]
    held = Holding({str(row["id"]): row for row in rows})
    adopted = [seat.adopted.consumer] if seat.adopted else []
    for key_id in dict.fromkeys([*adopted, *(key.native_id for key in seat.keys)]):
        row = await _key(aws, key_id) if key_id and key_id not in held.keys else None
        if row and subscription_of(row) in (None, seat.subscription_id):
            held.keys[str(row["id"])] = row
    plans = UsagePlans(aws)
    for key_id in held.keys:
        held.plans[key_id] = await plans.of_key(key_id)
    return held


async def _key(aws: Aws, key_id: str) -> Row | None:
    try:
        return await aws.call("apigateway", "GetApiKey", {"apiKey": key_id, "includeValue": True})
    except GatewayNotFound:
        return None


def wanted_stages(seat: Seat) -> frozenset[str]:
    return frozenset(stage for one in seat.scope if (stage := stage_of(one.native_id)))


def is_keyless(seat: Seat) -> bool:
    """Whether the seat opens HTTP APIs alone, for which AWS has no keys."""
    return bool(seat.scope) and not wanted_stages(seat)


def shape(seat: Seat, held: Holding, key_id: str) -> PlanShape | None:
    """The usage plan that a key is to be in: for the stages that no plan of somebody else's opens to it already.

    AWS lets a key be in one plan for a stage, so beside another's plan there is no place for ours.
    """
    stages = wanted_stages(seat) - stages_of(held.theirs(key_id))
    return PlanShape(seat.plan, stages, limits.carried(seat.limits)) if stages else None


def seated(held: Holding, seat: Seat) -> Seated:
    """The seat as it stands in what was read."""
    names = Names(seat.subscription_id)
    keys = tuple(_keys(held, seat, names))
    alive = [key.native_id for key in keys if key.standing is Standing.ACTIVE]
    open_to_all = [stages_of(held.plans.get(one, [])) for one in alive]
    opened = frozenset.intersection(*open_to_all) if open_to_all else frozenset()
    return Seated(
        _standing(seat, keys),
        tuple(_objects(held, seat)),
        keys,
        frozenset(one.id for one in seat.scope if stage_of(one.native_id) in opened),
        tuple(_notes(held, seat, alive)),
    )


def standing_of(row: Row) -> Standing:
    return Standing.ACTIVE if row.get("enabled") else Standing.SUSPENDED


def _keys(held: Holding, seat: Seat, names: Names) -> Iterator[SeatedKey]:
    """Those that the seat lists, then others with its mark."""
    for key, row in held.listed(seat, names):
        if seat.standing is Standing.GONE is not key.standing and row and not names.owns(row):
            continue  # adopted, and not told to go with the seat
        if row is not None:
            yield _told(key.credential_id, row)
        elif not is_keyless(seat) or key.native_id:
            yield SeatedKey(key.credential_id, KEY_TYPE, key.native_id or "", Standing.GONE)
    for row in held.strays(seat, names):
        yield _told(credential_of(row) or "", row)


def _told(credential_id: str, row: Row) -> SeatedKey:
    return SeatedKey(credential_id, KEY_TYPE, str(row["id"]), standing_of(row), row.get("value"))


def _standing(seat: Seat, keys: tuple[SeatedKey, ...]) -> Standing:
    """By the keys, since AWS has nothing else of a seat; where none is wanted nothing is amiss."""
    there = {key.standing for key in keys} - {Standing.GONE}
    if there:
        return Standing.ACTIVE if Standing.ACTIVE in there else Standing.SUSPENDED
    promised = not is_keyless(seat) and any(key.standing is not Standing.GONE for key in seat.keys)
    return Standing.GONE if promised else seat.standing


def _objects(held: Holding, seat: Seat) -> Iterator[RemoteObject]:
    """The adopted key and the usage plans of ours that the keys are in; keys are told by themselves."""
    if seat.adopted and (row := held.keys.get(seat.adopted.consumer)):
        yield RemoteObject("api_key", str(row["id"]), str(row.get("name") or row["id"]), adopted=True)
    plans = {str(row["id"]): row for key_id in held.keys for row in held.ours(key_id)}
    yield from (RemoteObject("usage_plan", one, str(plans[one].get("name"))) for one in sorted(plans))


def _notes(held: Holding, seat: Seat, alive: list[str]) -> Iterator[str]:
    if seat.standing is Standing.GONE:
        return
    for product in seat.scope:
        if stage_of(product.native_id) is None:
            yield (
                f"{product.name} is an HTTP API. AWS has no keys for those, so no key was made there; "
                "Aforo's authorizer lets in and counts."
            )
    if len(alive) > 1:
        yield (
            f"{len(alive)} keys are alive. AWS counts a quota and a rate for each key by itself, so until the old one "
            "goes the subscription has them more than once there; Aforo counts them together."
        )
    if any(stages_of(held.theirs(one)) & wanted_stages(seat) for one in alive):
        yield "A key is in a usage plan that is not Aforo's; that plan was left as it is, and its limits apply there."
    yield from (f"Not carried: {why}." for why in limits.left_out(seat.limits))
    yield from _changed(held, seat, alive)


def _changed(held: Holding, seat: Seat, alive: list[str]) -> Iterator[str]:
    wanted = limits.carried(seat.limits)
    for row in {str(row["id"]): row for one in alive for row in held.ours(one)}.values():
        if limits_of(row) != wanted:
            yield f"Usage plan {row.get('name')} has other limits than the plan; syncing the plan puts them right."


def limits_of(row: Row) -> dict[str, dict[str, object]]:
    """A usage plan's quota and throttle, without what AWS fills in."""
    quota, throttle = row.get("quota") or {}, row.get("throttle") or {}
    told: dict[str, dict[str, object]] = {}
    if quota:
        told["quota"] = {name: quota.get(name) for name in ("limit", "period")}
        if quota.get("offset"):
            told["quota"]["offset"] = quota["offset"]
    if throttle:
        told["throttle"] = {name: throttle.get(name) for name in ("rateLimit", "burstLimit")}
    return told
