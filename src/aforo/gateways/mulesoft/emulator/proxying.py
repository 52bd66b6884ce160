"""The request path: a call of an API instance, as its policies let it pass or not, and the backend behind it.

An instance is called at `/proxy/<its id>/…`. Of its policies, in their order and where they are switched on and meant
for the call, these work: client-id-enforcement, rate-limiting-sla-based and rate-limiting; all others let pass. Windows
are fixed and begin with their first call. Without credentials, or with wrong ones, it is a 401; an application without
an approved contract, or without a tier where one is needed, a 403; the statuses are documented, the words are ours.
"""

import base64
import binascii
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from .answers import Answer, Refused, not_found
from .world import Row, World

PREFIX: Final = "/proxy/"
_CHECKING: Final = ("client-id-enforcement", "rate-limiting-sla-based")
_HEADER: Final = re.compile(r"headers\[\s*['\"]([\w-]+)['\"]\s*\]")
_BASIC: Final = "httpBasicAuthenticationHeader"


class Proxying:
    """Counts windows in memory: they end with the process. `backend_calls` counts by instance what has passed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.backend_calls: Counter[str] = Counter()
        self._windows: dict[tuple[object, ...], tuple[float, int]] = {}

    def answer(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        """The backend's answer, or the refusal of the first policy that has one."""
        native, _, rest = path.removeprefix(PREFIX).partition("/")
        api = self._world.tables["apis"].get(native)
        if api is None:
            raise not_found("Listener for", path)
        told: dict[str, str] = {}
        for policy in self._policies(api, method, f"/{rest}"):
            told |= self._passes(policy, api, headers)
        self.backend_calls[native] += 1
        return Answer(200, {"api": api["id"], "path": f"/{rest}"}, told)

    def _policies(self, api: Row, method: str, path: str) -> Iterator[Row]:
        rows = [row for row in self._world.rows("policies", apiId=api["id"]) if not row["disabled"]]
        for row in sorted(rows, key=lambda row: (row["order"], row["id"])):
            if row["pointcutData"] is None or any(_is_meant(one, method, path) for one in row["pointcutData"]):
                yield row

    def _passes(self, policy: Row, api: Row, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers that it adds to the answer."""
        told: dict[str, str] = {}
        tier = None
        configuration = policy["configurationData"]
        if policy["assetId"] in _CHECKING:
            contract = self._contract(api, *_presented(configuration, headers))
            tier = self._world.tables["tiers"].get(str(contract["tierId"]))
            if policy["assetId"] == "rate-limiting-sla-based":
                if tier is None:
                    raise _no(403, "The client application has no SLA tier")
                told = self._counted((api["id"], contract["applicationId"]), tier["limits"])
        elif policy["assetId"] == "rate-limiting":
            told = self._counted((api["id"], policy["id"]), configuration.get("rateLimits", []))
        return told if configuration.get("exposeHeaders") else {}

    def _contract(self, api: Row, client_id: str, secret: str | None) -> Row:
        found = self._world.rows("applications", clientId=client_id)
        if not found or (secret is not None and not secrets.compare_digest(secret, found[0]["clientSecret"])):
            raise _no(401, "Invalid client id or secret")
        contracts = self._world.rows("contracts", apiId=api["id"], applicationId=found[0]["id"], status="APPROVED")
        if not contracts:
            raise _no(403, "The client application has no approved contract")
        return contracts[0]

    def _counted(self, whose: tuple[object, ...], limits: list[Row]) -> dict[str, str]:
        """Count the call in every window, or refuse it in the first one that is full."""
        now = self._world.clock.now().timestamp()
        counted: dict[tuple[object, ...], tuple[float, int]] = {}
        told: dict[str, str] = {}
        for limit in limits:
            length = limit["timePeriodInMilliseconds"] / 1_000
            key = (*whose, limit["timePeriodInMilliseconds"])
            began, calls = self._windows.get(key, (now, 0))
            began, calls = (now, 0) if now >= began + length else (began, calls)
            left = limit["maximumRequests"] - calls - 1
            reset = str(round((began + length - now) * 1_000))
            told = {"x-ratelimit-limit": str(limit["maximumRequests"]), "x-ratelimit-remaining": str(max(0, left))}
            told["x-ratelimit-reset"] = reset
            if left < 0:
                raise Refused(Answer(429, {"error": "Quota has been exceeded"}, told))
            counted[key] = (began, calls + 1)
        self._windows |= counted
        return told


def _is_meant(pointcut: Row, method: str, path: str) -> bool:
    return bool(
        re.fullmatch(pointcut.get("methodRegex", ".*"), method)
        and re.fullmatch(pointcut.get("uriTemplateRegex", ".*"), path)
    )


def _presented(configuration: Row, headers: Mapping[str, str]) -> tuple[str, str | None]:
    """Client id and secret from where the policy looks for them; no secret where it asks for none."""
    if configuration.get("credentialsOriginHasHttpBasicAuthenticationHeader") == _BASIC:
        return _basic(headers.get("authorization", ""))
    found = [_from_header(configuration, name, headers) for name in ("clientIdExpression", "clientSecretExpression")]
    if found[0] is None or (found[1] is None and configuration.get("clientSecretExpression")):
        raise _no(401, "Client id or secret is not present")
    return found[0], found[1]


def _from_header(configuration: Row, expression: str, headers: Mapping[str, str]) -> str | None:
    match = _HEADER.search(str(configuration.get(expression) or ""))
    return headers.get(match[1].lower()) if match else None


def _basic(header: str) -> tuple[str, str]:
    try:
        client_id, _, secret = base64.b64decode(header.partition(" ")[2], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        client_id = secret = ""
    if not client_id:
        raise _no(401, "Client id or secret is not present")
    return client_id, secret


def _no(status: int, words: str) -> Refused:
    return Refused(Answer(status, {"error": words}))
