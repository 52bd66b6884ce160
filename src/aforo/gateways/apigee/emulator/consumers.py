"""Whether a key, or a token that a key has earned, opens a call: what VerifyAPIKey and VerifyAccessToken decide.

Statuses and error codes are those of the policies' reference; not from a recording: their wording, and which of several
faults is told first.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .answers import Row
from .store import Store

_NAMES: Final = "oauth.v2"


class KeyRefused(Exception):
    """The fault's status, code and words."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.code = code
        self.words = words


@dataclass(frozen=True, slots=True)
class Consumer:
    """Whose key it is, and by which product it opens the call."""

    developer: Row
    app: Row
    key: Row
    product: Row


class Opened:
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


class Consumers:
    """`issue` stands for a proxy's own GenerateAccessToken, which this emulator does not execute."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tokens: dict[str, tuple[str, float]] = {}

    def verify(self, secret: str, call: Opened) -> Consumer:
        """Raises KeyRefused."""
        app, key = self._found(secret)
        developer = next(row for row in self._store.rows("developers") if row["developerId"] == app["developerId"])
        if developer["status"] != "active":
            raise KeyRefused(401, "keymanagement.service.DeveloperStatusNotActive", "Developer status is not active")
        ends_ms = int(key["expiresAt"])
        if "revoked" in (app["status"], key["status"]) or 0 < ends_ms <= int(self._store.now_ms()):
            raise KeyRefused(401, f"{_NAMES}.ApiKeyNotApproved", "Invalid ApiKey")
        references = key.get("apiProducts", [])
        if not references:
            words = "Consumer key is not associated with any API product"
            raise KeyRefused(400, "keymanagement.service.consumer_key_missing_api_product_association", words)
        for reference in references:
            product = self._store.get("products", reference["apiproduct"])
            if product and reference["status"] == "approved" and call.is_in(product):
                return Consumer(developer, app, key, product)
        raise KeyRefused(401, f"{_NAMES}.InvalidApiKeyForGivenResource", "Invalid ApiKey for given resource")

    def issue(self, consumer_key: str, seconds: float) -> str:
        token = secrets.token_urlsafe(21)
        self._tokens[token] = (consumer_key, self._store.now() + seconds)
        return token

    def verify_token(self, token: str, call: Opened) -> Consumer:
        """Raises KeyRefused."""
        consumer_key, ends = self._tokens.get(token, ("", 0.0))
        if not consumer_key:
            raise KeyRefused(401, "keymanagement.service.invalid_access_token", "Invalid Access Token")
        if ends <= self._store.now():
            raise KeyRefused(401, "keymanagement.service.access_token_expired", "Access Token expired")
        return self.verify(consumer_key, call)

    def _found(self, secret: str) -> tuple[Row, Row]:
        for app in self._store.rows("apps"):
            for key in app["credentials"]:
                if key["consumerKey"] == secret:
                    return app, key
        raise KeyRefused(401, f"{_NAMES}.InvalidApiKey", "Invalid ApiKey")


def _pieces(resource: str) -> Iterator[str]:
    for piece in re.split(r"(/\*\*|\*)", resource):
        yield {"/**": "(/.*)?", "*": "[^/]+"}.get(piece, re.escape(piece))
