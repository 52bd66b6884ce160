"""What a plan promises and costs, as it stands on the wire and at rest: one set of values for both.

Amounts and quantities are decimal strings; they are kept and given back digit by digit as they came.
"""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StrictBool, StrictInt, WithJsonSchema

from aforo.customers.rules.currency import CURRENCIES
from aforo.customers.rules.periods import Every, PeriodSpec, time_zones
from aforo.kit.wire import WireModel

_DECIMAL: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def _decimal(whole: int, places: int, *, least: Decimal | None = None, above: Decimal | None = None) -> Any:
    """A decimal string with at most so many digits before and behind the point."""

    def read(given: object) -> Decimal:
        if isinstance(given, Decimal):
            return given
        if not isinstance(given, str) or not _DECIMAL.fullmatch(given):
            raise ValueError('a decimal string such as "0.001" is wanted here')
        before, _, behind = given.removeprefix("-").partition(".")
        if len(before.lstrip("0")) > whole or len(behind) > places:
            raise ValueError(f"at most {whole} digits before and {places} behind the point")
        number = Decimal(given)
        if least is not None and number < least:
            raise ValueError(f"at least {least}")
        if above is not None and number <= above:
            raise ValueError(f"more than {above}")
        return number

    return (
        BeforeValidator(read),
        PlainSerializer(lambda number: f"{number:f}", return_type=str),
        WithJsonSchema({"type": "string", "pattern": rf"^-?\d{{1,{whole}}}(\.\d{{1,{places}}})?$"}),
    )


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError("the three capital letters of a currency in use, such as EUR, are wanted here")
    return code


def _time_zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError("the IANA name of a time zone, such as Europe/Berlin, is wanted here")
    return name


_zero, _least_floor = Decimal(0), Decimal(-10)
Quantity = Annotated[Decimal, *_decimal(15, 9, least=_zero)]
SomeQuantity = Annotated[Decimal, *_decimal(15, 9, above=_zero)]
Amount = Annotated[Decimal, *_decimal(12, 12, least=_zero)]
Percent = Annotated[Decimal, *_decimal(3, 9, least=_zero)]
Floor = Annotated[Decimal, *_decimal(2, 9, least=_least_floor)]
Currency = Annotated[str, AfterValidator(_currency)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
MetricName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_.:-]+$")]
FeatureName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
ProductId = Annotated[str, Field(min_length=1, max_length=64)]
Label = Annotated[str, Field(min_length=1, max_length=200)]


class Frozen(WireModel):
    """A value on the wire that does not change."""

    model_config = WireModel.model_config | {"frozen": True}


def _absent(value: object) -> bool:
    return value is None


class QuotaMode(StrEnum):
    """HARD refuses what goes beyond, SOFT lets it pass and says so, OVERAGE lets it pass and charges it."""

    HARD = "HARD"
    SOFT = "SOFT"
    OVERAGE = "OVERAGE"


class RecurringPeriod(Frozen):
    """A calendar period and where it begins; the anchor day of a week is 1 (Monday) to 7."""

    period: Every = Every.MONTH
    anchor_day: StrictInt = Field(default=1, ge=1, le=31)
    time_zone: TimeZone = "UTC"

    def spec(self) -> PeriodSpec:
        return PeriodSpec(self.period, self.anchor_day, self.time_zone)


class Quota(RecurringPeriod):
    metric: MetricName
    units: Quantity
    mode: QuotaMode = QuotaMode.HARD


class RateLimit(Frozen):
    """So many units in any so many seconds; `burst` is what may come at once on top."""

    metric: MetricName
    per_seconds: StrictInt = Field(ge=1, le=86_400)
    units: SomeQuantity
    burst: Quantity | None = Field(default=None, exclude_if=_absent)


class Model(StrEnum):
    """The six ways to price."""

    PER_UNIT = "per_unit"
    FLAT = "flat"
    PERCENTAGE = "percentage"
    INCLUDED_QUOTA = "included_quota"
    GRADUATED = "graduated"
    VOLUME = "volume"


class TierShape(Frozen):
    """Up to and with `upTo` units; null on the last tier, which has no end."""

    up_to: SomeQuantity | None
    unit_price: Amount


class Rate(Frozen):
    """One entry of a rate card. Which members it needs depends on `model`: see `rules/plan`."""

    model: Model
    metric: MetricName | None = Field(default=None, exclude_if=_absent)
    name: Label | None = Field(default=None, exclude_if=_absent)
    unit_price: Amount | None = Field(default=None, exclude_if=_absent)
    amount: Amount | None = Field(default=None, exclude_if=_absent)
    percent: Percent | None = Field(default=None, exclude_if=_absent)
    min_fee: Amount | None = Field(default=None, exclude_if=_absent)
    included_units: Quantity | None = Field(default=None, exclude_if=_absent)
    block_units: SomeQuantity | None = Field(default=None, exclude_if=_absent)
    block_price: Amount | None = Field(default=None, exclude_if=_absent)
    tiers: tuple[TierShape, ...] | None = Field(default=None, max_length=100, exclude_if=_absent)


class SpendCap(RecurringPeriod):
    """What a subscription may cost in a period, in the plan's currency; calls beyond it are refused."""

    amount: Amount


class FailMode(Frozen):
    """What a gateway does while Aforo cannot be reached; `units` is what `open_up_to` grants in advance."""

    kind: Literal["closed", "open", "open_up_to"]
    units: SomeQuantity | None = Field(default=None, exclude_if=_absent)


class Terms(Frozen):
    """Everything that a version of a plan fixes."""

    currency: Currency
    product_ids: tuple[ProductId, ...] = Field(default=(), max_length=5_000)
    quotas: tuple[Quota, ...] = Field(default=(), max_length=100)
    rate_limits: tuple[RateLimit, ...] = Field(default=(), max_length=100)
    features: dict[FeatureName, StrictBool] = Field(default_factory=dict, max_length=200)
    rate_card: tuple[Rate, ...] = Field(default=(), max_length=100)
    spend_cap: SpendCap | None = None
    fail_mode: FailMode = FailMode(kind="closed")
