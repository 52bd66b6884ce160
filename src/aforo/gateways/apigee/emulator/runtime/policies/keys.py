"""VerifyAPIKey and OAuthV2's VerifyAccessToken: a verified key's app, developer and product as variables."""

from typing import Any

from ...consumers import Consumer, KeyRefused, Opened
from ..bundle import Bundle, Policy
from ..faults import Fault
from ..machine import Call
from ..messages import text
from ..surroundings import Surroundings


class VerifyApiKey:
    def __init__(self, around: Surroundings) -> None:
        self._consumers = around.consumers

    async def run(self, policy: Policy, bundle: Bundle, call: Call) -> None:
        del bundle
        reference = policy.element.find("APIKey").get("ref", "")
        secret = text(call.flow.get(reference))
        try:
            if not secret:
                words = f"Failed to resolve API Key variable {reference}"
                raise KeyRefused(401, "steps.oauth.v2.FailedToResolveAPIKey", words)
            found = self._consumers.verify(secret, _opened(call))
        except KeyRefused as refused:
            raise _failed(policy, call, refused) from None
        prefix = f"verifyapikey.{policy.name}."
        _tell(call, prefix, found)
        call.flow.set(f"{prefix}client_id", found.key["consumerKey"])
        call.flow.set("apiproduct.name", found.product["name"])


class VerifyAccessToken:
    """Of OAuthV2's operations only this one. The token is a bearer token unless the policy says where it stands."""

    def __init__(self, around: Surroundings) -> None:
        self._consumers = around.consumers

    async def run(self, policy: Policy, bundle: Bundle, call: Call) -> None:
        del bundle
        if policy.value("Operation") != "VerifyAccessToken":
            raise Fault("steps.oauth.v2.UnsupportedOperation", "Only VerifyAccessToken is executed here", 500)
        reference = policy.value("AccessToken")
        told = text(call.flow.get(reference or "request.header.authorization"))
        token = told if reference else told[7:] if told.lower().startswith("bearer ") else ""
        try:
            found = self._consumers.verify_token(token, _opened(call))
        except KeyRefused as refused:
            raise _failed(policy, call, refused) from None
        _tell(call, "", found)
        call.flow.set("client_id", found.key["consumerKey"])


def _tell(call: Call, prefix: str, found: Consumer) -> None:
    told: dict[str, Any] = {
        "apiproduct.name": found.product["name"],
        "developer.email": found.developer["email"],
        "developer.id": found.developer["developerId"],
        "developer.app.name": found.app["name"],
        "developer.app.id": found.app["appId"],
        "app.name": found.app["name"],
        "app.id": found.app["appId"],
    }
    for name, value in told.items():
        call.flow.set(f"{prefix}{name}", value)


def _failed(policy: Policy, call: Call, refused: KeyRefused) -> Fault:
    call.flow.set(f"oauthV2.{policy.name}.failed", value=True)
    return Fault(refused.code, refused.words, refused.status)


def _opened(call: Call) -> Opened:
    return Opened(call.environment, call.proxy, call.path, call.verb)
