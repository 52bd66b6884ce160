"""What callers send."""

from typing import Annotated, Any, Final

from pydantic import Field

from aforo.artifacts.model import KEY_FROM, Wishes
from aforo.gateway_sdk.artifact import FailMode
from aforo.kit.wire import WireModel

_Target = Annotated[str, Field(min_length=1, max_length=500)]
_KeyFrom = Annotated[str, Field(max_length=200, pattern=r"^(bearer|header:[A-Za-z0-9_-]+|query:[A-Za-z0-9_.~-]+)$")]
_Path = Annotated[str, Field(max_length=1_000, pattern=r"^/")]
_Name = Annotated[str, Field(min_length=1, max_length=255)]
_Value = Annotated[str, Field(max_length=4_000)]
_EXAMPLE: Final[dict[str, Any]] = {
    "targets": ["payments"],
    "keyFrom": ["bearer", "header:x-api-key"],
    "excluded": ["/health"],
    "metrics": {},
    "failMode": "open",
    "options": {},
}


class WishesShape(WireModel):
    """What is decided about enforcement at one gateway. An empty body keeps what the last deploy was given.

    `targets`, in the gateway's words, are what to attach to; none are all. `keyFrom` says where a caller's key is
    looked for, in order; `excluded` are path prefixes that pass unchecked; `metrics` is by product id.
    """

    targets: list[_Target] | None = Field(None, max_length=1_000)
    key_from: list[_KeyFrom] | None = Field(None, min_length=1, max_length=20)
    excluded: list[_Path] | None = Field(None, max_length=1_000)
    metrics: dict[_Name, _Name] | None = Field(None, max_length=5_000)
    fail_mode: FailMode | None = None
    options: dict[_Name, _Value] | None = Field(None, max_length=100)

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [_EXAMPLE]}}

    def wishes(self) -> Wishes | None:
        """None where nothing was said. What is left out among others is as if nobody had ever said it."""
        if not self.model_fields_set - {"rotate_key"}:
            return None
        return Wishes(
            tuple(self.targets or ()),
            tuple(self.key_from or KEY_FROM),
            tuple(self.excluded or ()),
            self.metrics or {},
            self.fail_mode or FailMode.OPEN,
            self.options or {},
        )


class DeployRequest(WishesShape):
    """`rotateKey` gives the artifact a new key; the old one is revoked once nothing uses it."""

    rotate_key: bool = False

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [{**_EXAMPLE, "rotateKey": False}]}}


class VerifyRequest(WireModel):
    """`url` is an address of the gateway that a customer may call with GET; without one no call is made."""

    url: Annotated[str, Field(max_length=2_048)] | None = None

    model_config = WireModel.model_config | {
        "json_schema_extra": {"examples": [{"url": "https://gateway.example/payments"}]}
    }


class PauseRequest(WireModel):
    """Why, for whoever comes next."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [{"reason": "checkout fails with 429"}]}}


class EnforceRequest(WireModel):
    """Which products are to refuse; all of the gateway's where none are named."""

    product_ids: Annotated[list[_Name], Field(min_length=1, max_length=5_000)] | None = None

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [{"productIds": ["prod_01k9q3"]}]}}
