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


@dataclass
class ApigeeHand:
    gateway: Emulated

    def edit(self, product: dict[str, Any]) -> None:
        now = self.call("GET", f"/apiproducts/{product['ref']}")
        self.call("PUT", f"/apiproducts/{product['ref']}", {**now, "description": "changed by somebody"})

    def field_path(self, product: dict[str, Any]) -> str:
        return f"/product/{product['ref']}/description"

    def call(self, method: str, path: str, body: object = None) -> Any:
        url = f"{self.gateway.url}/v1/organizations/{self.gateway.settings['organization']}{path}"
        headers = {"Authorization": "Bearer ya29.emulated"}
        answer = httpx2.request(method, url, json=body, headers=headers, trust_env=False)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


@dataclass
class MulesoftHand:
    gateway: Emulated

    def edit(self, product: dict[str, Any]) -> None:
        self.call("PATCH", f"{self.environment}/apis/{self.native(product)}", {"description": "changed by somebody"})

    def field_path(self, product: dict[str, Any]) -> str:
        return f"/api/{product['ref'].partition(':')[0]}/description"

    def native(self, product: dict[str, Any]) -> int:
        """The id of the instance with the asset and the label that make up the product's ref."""
        asset, _, label = product["ref"].partition(":")
        assets = self.call("GET", f"{self.environment}/apis?assetId={asset}")["assets"]
        found: int = next(api["id"] for one in assets for api in one["apis"] if (api["instanceLabel"] or "") == label)
        return found

    @property
    def environment(self) -> str:
        ids = self.gateway.settings
        return f"/apimanager/api/v1/organizations/{ids['organization_id']}/environments/{ids['environment_id']}"

    def call(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token()}"}
        answer = httpx2.request(method, self.gateway.url + path, json=body, headers=headers, trust_env=False)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def token(self) -> str:
        given = self.gateway.settings
        wish = {
            "grant_type": "client_credentials",
            "client_id": given["client_id"],
            "client_secret": given["client_secret"],
        }
        answer = httpx2.post(f"{self.gateway.url}/accounts/api/v2/oauth2/token", json=wish, trust_env=False)
        return str(answer.json()["access_token"])


@dataclass
class AzureHand:
    gateway: Emulated

    def edit(self, product: dict[str, Any]) -> None:
        body = {"properties": {"description": "changed by somebody"}}
        self.call("PATCH", f"/products/{self.native(product)}", body, {"If-Match": "*"})

    def field_path(self, product: dict[str, Any]) -> str:
        return "/product/settings/description"

    def native(self, product: dict[str, Any]) -> str:
        """The product's name in Azure, found by its display name."""
        rows = self.call("GET", "/products", params={"$top": "1000"})["value"]
        return str(next(row["name"] for row in rows if row["properties"]["displayName"] == product["ref"]))

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
    ) -> Any:
        from aforo.gateways.azure.emulator.app import BASE
        from aforo.gateways.azure.emulator.sign_in import ACCESS_TOKEN

        answer = httpx2.request(
            method,
            f"{self.gateway.url}{BASE}{path}",
            json=body,
            headers={"Authorization": f"Bearer {ACCESS_TOKEN}", **(headers or {})},
            params={"api-version": "2024-05-01", **(params or {})},
            trust_env=False,
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


HANDS: dict[str, type[KongHand] | type[AwsHand] | type[ApigeeHand] | type[MulesoftHand] | type[AzureHand]] = {
    "kong": KongHand,
    "aws": AwsHand,
    "apigee": ApigeeHand,
    "mulesoft": MulesoftHand,
    "azure": AzureHand,
}


def editable(products: list[dict[str, Any]]) -> dict[str, Any]:
    """A product that both hands can edit: at AWS one of a REST API, which has the shorter native id."""
    return next(product for product in products if not product["nativeId"].startswith("v2:"))
