"""The request path: calls of a proxy as Apigee's VerifyAPIKey lets them pass or not, and the backend behind it.

A proxy is called at `/proxy/<its name>/…` in the environment in which it is deployed. The key is the header `x-apikey`
or a bearer token. Statuses and error codes are those of the policy's reference; not from a recording: their wording,
and which of several faults is told first. No quota is counted: in Apigee that is a policy of its own.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from .answers import Answer, Refused, Row
from .requests import Request
from .store import Store

_NAMES: Final = "oauth.v2"


class Proxying:
    """`backend_calls` counts by proxy what has passed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.backend_calls: Counter[str] = Counter()

    def answer(self, request: Request, proxy: str, rest: list[str]) -> Answer:
        """The backend's answer, which tells what it was sent; raises the refusal."""
        environments = [row["environment"] for row in self._store.rows("proxy-deployments") if row["apiProxy"] == proxy]
        if not environments:
            raise _fault(404, "messaging.adaptors.http.flow.ApplicationNotFound", "Unable to identify proxy")
        path = "/" + "/".join(rest)
        app, product = self._verify(_presented(request), _Call(environments[0], proxy, path, request.method))
        self.backend_calls[proxy] += 1
        return Answer(200, {"proxy": proxy, "path": path, "app": app["appId"], "apiproduct": product})

    def _verify(self, secret: str, call: "_Call") -> tuple[Row, str]:
        app, key = self._found(secret)
        developer = next(row for row in self._store.rows("developers") if row["developerId"] == app["developerId"])
        if developer["status"] != "active":
            raise _fault(401, "keymanagement.service.DeveloperStatusNotActive", "Developer status is not active")
        ends_ms = int(key["expiresAt"])
        if "revoked" in (app["status"], key["status"]) or 0 < ends_ms <= int(self._store.now_ms()):
            raise _fault(401, f"{_NAMES}.ApiKeyNotApproved", "Invalid ApiKey")
        references = key.get("apiProducts", [])
        if not references:
            words = "Consumer key is not associated with any API product"
            raise _fault(400, "keymanagement.service.consumer_key_missing_api_product_association", words)
        for reference in references:
            product = self._store.get("products", reference["apiproduct"])
            if product and reference["status"] == "approved" and call.is_in(product):
                return app, str(product["name"])
        raise _fault(401, f"{_NAMES}.InvalidApiKeyForGivenResource", "Invalid ApiKey for given resource")

    def _found(self, secret: str) -> tuple[Row, Row]:
        for app in self._store.rows("apps"):
            for key in app["credentials"]:
                if key["consumerKey"] == secret:
                    return app, key
        raise _fault(401, f"{_NAMES}.InvalidApiKey", "Invalid ApiKey")


class _Call:
    """A call as products see it; `path` is what follows the proxy's own."""

    def __init__(self, environment: str, proxy: str, path: str, method: str) -> None:
        self._environment = environment
        self._proxy = proxy
        self._path = path
        self._method = method

    def is_in(self, product: Row) -> bool:
        """What a product does not name it allows: environments, proxies, resources and methods alike."""
        if self._environment not in (product.get("environments") or [self._environment]):
            return False
        configs = (product.get("operationGroup") or {}).get("operationConfigs")
        if configs:
            return any(self._is_meant(config) for config in configs)
        is_proxy = self._proxy in (product.get("proxies") or [self._proxy])
        return is_proxy and any(self._fits(one) for one in product.get("apiResources") or ["/"])

    def _is_meant(self, config: Row) -> bool:
        return config["apiSource"] == self._proxy and any(
            self._fits(one.get("resource", "/")) and self._method in (one.get("methods") or [self._method])
            for one in config.get("operations") or [{}]
        )

    def _fits(self, resource: str) -> bool:
        """`/` is everything, `*` one part of a path, `/**` whatever follows."""
        pattern = "".join(_pieces(resource.rstrip("/")))
        return resource == "/" or re.fullmatch(pattern, self._path.rstrip("/")) is not None


def _pieces(resource: str) -> Iterator[str]:
    for piece in re.split(r"(/\*\*|\*)", resource):
        yield {"/**": "(/.*)?", "*": "[^/]+"}.get(piece, re.escape(piece))


def _presented(request: Request) -> str:
    bearer = request.headers.get("authorization", "")
    secret = request.headers.get("x-apikey") or (bearer[7:] if bearer.lower().startswith("bearer ") else "")
    if not secret:
        words = "Failed to resolve API Key variable request.header.x-apikey"
        raise _fault(401, "steps.oauth.v2.FailedToResolveAPIKey", words)
    return secret


def _fault(status: int, code: str, words: str) -> Refused:
    body: dict[str, Any] = {"fault": {"faultstring": words, "detail": {"errorcode": code}}}
    return Refused(Answer(status, body))
