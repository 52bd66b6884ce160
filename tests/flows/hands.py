"""Somebody else's hand at a gateway: the edits that Aforo is to notice, made with the vendor's own API."""

from dataclasses import dataclass
from typing import Any, Protocol

import httpx2

from tests.live import Emulated


class Hand(Protocol):
    """Edits one product's gateway objects; each edit is one difference."""

    def edit(self, product: dict[str, Any]) -> None:
        """Change one field."""

    def field_path(self, product: dict[str, Any]) -> str:
        """The path at which the edit shows."""


@dataclass
class KongHand:
    gateway: Emulated

    def edit(self, product: dict[str, Any]) -> None:
        self.call("PATCH", f"/services/{product['ref']}", {"read_timeout": 1234})

    def field_path(self, product: dict[str, Any]) -> str:
        return f"/service/{product['ref']}/read_timeout"

    def call(self, method: str, path: str, body: object = None) -> Any:
        answer = httpx2.request(method, self.gateway.url + path, json=body, trust_env=False)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


@dataclass
class AwsHand:
    gateway: Emulated

    def edit(self, product: dict[str, Any]) -> None:
        api_id, stage = self.native(product)
        patch = [{"op": "replace", "path": "/description", "value": "changed by somebody"}]
        self.rest().update_stage(restApiId=api_id, stageName=stage, patchOperations=patch)

    def field_path(self, product: dict[str, Any]) -> str:
        return f"/stage/{self.native(product)[1]}/description"

    def native(self, product: dict[str, Any]) -> tuple[str, str]:
        """The REST API's id and stage name, found by the product's name."""
        name, _, stage = product["ref"].rpartition("/")
        apis = self.rest().get_rest_apis(limit=500)["items"]
        return next(api["id"] for api in apis if api["name"] == name), stage

    def rest(self) -> Any:
        import boto3

        settings = self.gateway.settings
        return boto3.client(
            "apigateway",
            endpoint_url=self.gateway.url,
            region_name=settings["region"],
            aws_access_key_id=settings["access_key_id"],
            aws_secret_access_key=settings["secret_access_key"],
        )


HANDS: dict[str, type[KongHand] | type[AwsHand]] = {"kong": KongHand, "aws": AwsHand}


def editable(products: list[dict[str, Any]]) -> dict[str, Any]:
    """A product that both hands can edit: at AWS one of a REST API, which has the shorter native id."""
    return next(product for product in products if not product["nativeId"].startswith("v2:"))
