"""What Aforo's objects in a customer's account are called, and by what they are known again.

The account's role template allows functions and queues that begin with `aforo-`, and log groups beneath `/aforo/`.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aforo.gateway_sdk.artifact import Wiring

TEMPLATES: Final = Path(__file__).parent.parent / "templates"
LIVE: Final = "live"
"""The alias that API Gateway calls: what it points to serves, whatever has been uploaded since."""
RUNTIME: Final = "python3.12"
RELEASE: Final = "1"


def version() -> str:
    """The release, and a digest of the code that it consists of."""
    code = b"".join((TEMPLATES / f"{kind}.py").read_bytes() for kind in ("authorizer", "forwarder"))
    return f"{RELEASE}-{hashlib.sha256(code).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Names:
    """The names for one integration; `suffix` follows from its id."""

    region: str
    account: str
    partition: str
    suffix: str

    @property
    def authorizer(self) -> str:
        return f"aforo-authorizer-{self.suffix}"

    @property
    def forwarder(self) -> str:
        return f"aforo-forwarder-{self.suffix}"

    @property
    def queue(self) -> str:
        return f"aforo-undelivered-{self.suffix}"

    @property
    def log_group(self) -> str:
        return f"/aforo/{self.suffix}"

    @property
    def filter(self) -> str:
        return f"aforo-{self.suffix}"

    def function_arn(self, name: str) -> str:
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{name}:{LIVE}"

    def authorizer_uri(self) -> str:
        arn = self.function_arn(self.authorizer)
        return f"arn:{self.partition}:apigateway:{self.region}:lambda:path/2015-03-31/functions/{arn}/invocations"

    def queue_arn(self) -> str:
        return f"arn:{self.partition}:sqs:{self.region}:{self.account}:{self.queue}"

    def log_arn(self) -> str:
        return f"arn:{self.partition}:logs:{self.region}:{self.account}:log-group:{self.log_group}"

    def role_arn(self, signed_in_by: str) -> str:
        """The role of the functions: the one that the full role template makes beside ours; with an access key, one
        that the operator has made.
        """
        if signed_in_by:
            return f"{signed_in_by}-functions"
        return f"arn:{self.partition}:iam::{self.account}:role/aforo-functions"

    def callers_arn(self, api_id: str) -> str:
        """All authorizers of one API, as the function's policy names them."""
        return f"arn:{self.partition}:execute-api:{self.region}:{self.account}:{api_id}/authorizers/*"


def suffix(integration_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", integration_id)[-40:]


def variables(wiring: Wiring, places: dict[str, tuple[str, str]]) -> dict[str, str]:
    """The functions' settings; `places` is `<api id>/<stage>` → product and metric. Both functions get them all."""
    return {
        "AFORO_EDGE_URL": wiring.ingest_url.removesuffix("/v1/ingest"),
        "AFORO_API_KEY": wiring.api_key,
        "AFORO_INTEGRATION_ID": wiring.integration_id,
        "AFORO_PRODUCTS": json.dumps(places, separators=(",", ":"), sort_keys=True),
        "AFORO_KEY_FROM": ",".join(wiring.key_from),
        "AFORO_EXCLUDED": json.dumps(list(wiring.excluded), separators=(",", ":")),
        "AFORO_ENFORCE": "true" if wiring.enforce else "false",
        "AFORO_FAIL_MODE": wiring.fail_mode.value,
        "AFORO_LEASES": wiring.options.get("lease_units", "0"),
    }


_REST: Final = {"path": "$context.resourcePath", "apiKeyId": "$context.identity.apiKeyId"}
_HTTP: Final = {"path": "$context.routeKey"}


def log_format(flavour: str) -> str:
    """One JSON object a line. Nothing that a caller chooses stands in it, so no line can be forged:
    `$context.requestId` is left out, since a client may set it.
    """
    told = {
        "extendedRequestId": "$context.extendedRequestId",
        "apiId": "$context.apiId",
        "stage": "$context.stage",
        "httpMethod": "$context.httpMethod",
        **(_REST if flavour == "rest" else _HTTP),
        "status": "$context.status",
        "responseLatency": "$context.responseLatency",
        "requestTimeEpoch": "$context.requestTimeEpoch",
        "refused": "$context.error.responseType",
        **{name: f"$context.authorizer.{name}" for name in _FACTS},
    }
    return json.dumps(told, separators=(",", ":"))


_FACTS: Final = ("customerId", "plan", "credential", "decisionId", "leaseId", "reason", "wouldDeny", "outcome")
