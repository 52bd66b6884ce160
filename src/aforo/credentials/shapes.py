"""What callers send."""

from typing import Annotated, Any, Self

from pydantic import Field, StrictInt, model_validator

from aforo.credentials.model import Mode
from aforo.credentials.service.adoption import Wish
from aforo.credentials.service.credentials import GRACE_SECONDS
from aforo.customers import NewCustomer
from aforo.kit.wire import WireModel

Id = Annotated[str, Field(min_length=1, max_length=128)]


def _example(**members: Any) -> Any:
    return WireModel.model_config | {"json_schema_extra": {"examples": [members]}}


class NewCredential(WireModel):
    """`mode` is the subscription's unless told otherwise."""

    mode: Mode | None = None

    model_config = _example(mode="AFORO_PROVIDED")


class Rotation(WireModel):
    """How long the old secret still works."""

    grace_seconds: StrictInt = Field(default=GRACE_SECONDS, ge=0, le=30 * 86_400)

    model_config = _example(graceSeconds=300)


class CredentialScope(WireModel):
    """Products of the subscription's plan that are to open; the others do not."""

    product_ids: list[Id] = Field(max_length=5_000)

    model_config = _example(productIds=["prod_01k9q3"])


class Adopt(WireModel):
    """One consumer with the keys that move into a subscription. Either `customerId` or `newCustomer`."""

    consumer: Id
    application: Id | None = None
    customer_id: Id | None = None
    new_customer: NewCustomer | None = None
    plan_id: Id
    keys: list[Id] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def has_one_customer(self) -> Self:
        if (self.customer_id is None) == (self.new_customer is None):
            raise ValueError("either customerId or newCustomer is wanted here")
        return self

    def wish(self) -> Wish:
        customer = self.new_customer or self.customer_id or ""
        return Wish(self.consumer, self.application, customer, self.plan_id, tuple(self.keys))


class Adoptions(WireModel):
    """All of them are looked at before the first is done."""

    adopt: list[Adopt] = Field(min_length=1, max_length=1_000)

    model_config = _example(
        adopt=[
            {
                "consumer": "0060b003-51dc-4595-aae3-c28e173c5d70",
                "customerId": "cust_01k9q3",
                "planId": "plan_01k9q3",
                "keys": ["af32a2b3-7dc5-43f4-9b62-e8ddbe10f220"],
            }
        ]
    )


class OrphanScan(WireModel):
    """All gateways unless one is named."""

    integration_id: Id | None = None

    model_config = _example(integrationId="int_01k9q3")
