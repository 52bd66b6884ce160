"""One AWS account and region: every call signed, sent by our transport, and judged by AWS's error code."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.errors import GatewayAuthFailed, GatewayError, GatewayNotAnApi
from aforo.gateway_sdk.transport import Answer, Judge, retry_after_seconds
from aforo.gateways.aws.client import wire
from aforo.gateways.aws.client.faults import fault
from aforo.gateways.aws.client.sessions import AssumedRole, FixedKeys, Session
from aforo.gateways.aws.client.wire import Keys
from aforo.kit.errors import Invalid

_PATIENCE_SECONDS: Final = 30.0  # an import or export of a large API takes several
_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}")
_ROLE_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_PAGES: Final[dict[str, tuple[str, object, str, str]]] = {
    "apigateway": ("limit", 500, "position", "items"),
    "apigatewayv2": ("MaxResults", "500", "NextToken", "Items"),
}
_JSON: Final = frozenset({"application/json", "application/hal+json"})
_PLAIN_BODY: Final = frozenset({"GetExport", "ExportApi"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where an integration's calls go. `endpoint_url` stands in for AWS's regional endpoints, STS's included."""

    region: str
    endpoint_url: str | None = None

    def endpoint(self, service: str) -> str:
        return (self.endpoint_url or wire.regional_endpoint(service, self.region)).rstrip("/")


class Aws:
    """The client of one integration. Makes no retries of its own and reads no environment, file or metadata address."""

    def __init__(self, connection: Connection) -> None:
        """Raises Invalid for settings that cannot be an AWS region, role or endpoint; makes no call."""
        _refuse_malformed(connection.settings)
        settings = connection.settings
        self._transport = connection.transport
        self._clock = connection.clock
        self.place = Place(settings["region"], settings.get("endpoint_url") or None)
        self._own_secrets: set[str] = set()
        self.session = self._session(connection)

    async def call(
        self, service: str, operation: str, params: Mapping[str, object] | None = None, *, limit: str = ""
    ) -> dict[str, Any]:
        """One operation, its members named as in botocore's model. `limit` refines the name that call limits go by.

        When AWS says that the session has expired, a role's session is renewed and the call made once more.
        """
        keys = await self.session.keys()
        try:
            return await self._send(service, operation, params or {}, keys, limit=limit)
        except GatewayAuthFailed:
            if not self.session.forget():
                raise
            return await self._send(service, operation, params or {}, await self.session.keys(), limit=limit)

    async def pages(
        self, service: str, operation: str, params: Mapping[str, object] | None = None
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """The items of each page as it arrives; raises at the page that fails, after those that did not."""
        size, most, token, items = _PAGES[service]
        position: object = None
        seen: set[object] = set()
        while True:
            more = {token: position} if position else {}
            page = await self.call(service, operation, {**(params or {}), size: most, **more})
            yield page.get(items) or []
            position = page.get(token)
            if not position:
                return
            if position in seen:
                raise GatewayNotAnApi(
                    f"Page token repeated: {operation} leads back to a page that was read already.",
                    next_step="Scan again; if it stays so, check what answers at the endpoint.",
                )
            seen.add(position)

    async def every(
        self, service: str, operation: str, params: Mapping[str, object] | None = None
    ) -> list[dict[str, Any]]:
        """All items of all pages, or an error."""
        return [item async for page in self.pages(service, operation, params) for item in page]

    async def sts(
        self, operation: str, params: Mapping[str, object], keys: Keys, expected: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """An STS call signed with the caller's keys. An `expected` refusal raises, but is no fault of health."""
        return await self._send("sts", operation, params, keys, expected=expected)

    async def identity(self) -> dict[str, Any]:
        """`Account` and `Arn` of whoever the session is."""
        return await self.sts("GetCallerIdentity", {}, await self.session.keys())

    def arn(self, *parts: str) -> str:
        """An API Gateway resource's ARN, for tagging: `arn:aws:apigateway:us-east-1::/restapis/a1b2`."""
        return f"arn:{wire.partition(self.place.region)}:apigateway:{self.place.region}::/{'/'.join(parts)}"

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _send(
        self, service: str, operation: str, params: Mapping[str, object], keys: Keys, *, limit: str = "",
        expected: frozenset[str] = frozenset(),
    ) -> dict[str, Any]:  # fmt: skip
        self._own_secrets.update(keys.secrets)
        request = await asyncio.to_thread(
            wire.signed, service, operation, params, keys=keys, region=self.place.region,
            endpoint=self.place.endpoint(service),
        )  # fmt: skip
        answer = await self._transport.call(
            request.method,
            request.url,
            operation=_limit_name(service, operation, limit),
            headers=request.headers,
            content=request.body,
            judge=self._judge(service, operation, expected),
            accept=(400, 403) if expected else (),
            timeout_seconds=_PATIENCE_SECONDS,
        )
        if answer.status >= 300 and (refusal := self._fault(service, answer)):
            raise refusal
        return wire.values(service, operation, answer)

    def _judge(self, service: str, operation: str, expected: frozenset[str]) -> Judge:
        def judge(answer: Answer) -> GatewayError | None:
            if answer.status < 300:
                return None if operation in _PLAIN_BODY else _not_aws(service, operation, answer)
            code, _ = wire.error(service, answer)
            return None if code in expected else self._fault(service, answer)

        return judge

    def _fault(self, service: str, answer: Answer) -> GatewayError | None:
        code, words = wire.error(service, answer)
        return fault(code, self._hush(words), answer.status, self._wait_seconds(answer)) if code else None

    def _wait_seconds(self, answer: Answer) -> float:
        return retry_after_seconds(answer.headers, self._clock.now())

    def _hush(self, text: str) -> str:
        for secret in self._own_secrets:
            text = text.replace(secret, "••••")
        return self._transport.hush(text)

    def _session(self, connection: Connection) -> Session:
        settings, facts = connection.settings, connection.facts
        if connection.sign_in == "access_keys":
            token = settings.get("session_token") or None
            return FixedKeys(Keys(settings["access_key_id"].strip(), settings["secret_access_key"].strip(), token))
        return AssumedRole(
            self.sts,
            _principal(facts),
            role_arn=settings["role_arn"],
            external_id=facts.get("external_id", ""),
            name=re.sub(r"[^\w+=,.@-]", "-", f"aforo-{connection.integration_id}")[:64],
            clock=connection.clock,
            is_new=facts.get("fresh_role") == "true",
        )


def _principal(facts: Mapping[str, str]) -> Keys | None:
    key, secret = facts.get("aws_access_key_id"), facts.get("aws_secret_access_key")
    return Keys(key, secret, facts.get("aws_session_token") or None) if key and secret else None


def _refuse_malformed(settings: Mapping[str, str]) -> None:
    """A region becomes part of a host name, so that nothing but a region may stand there."""
    faults = []
    if not _REGION.fullmatch(settings.get("region", "")):
        faults.append(("/region", "must be a region's code, such as us-east-1"))
    if "role_arn" in settings and not _ROLE_ARN.fullmatch(settings["role_arn"]):
        faults.append(("/role_arn", "must be a role's ARN, such as arn:aws:iam::123456789012:role/AforoGatewayAccess"))
    if (url := settings.get("endpoint_url")) and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
        faults.append(("/endpoint_url", "must be an http(s) address without user, query or fragment"))
    if faults:
        raise Invalid("The AWS settings cannot be used.", tuple(faults), next_step="Correct the fields named.")


def _limit_name(service: str, operation: str, limit: str) -> str:
    name = {"apigatewayv2": "apigateway:v2."}.get(service, f"{service}:") + operation
    return f"{name}/{limit}" if limit else name


def _not_aws(service: str, operation: str, answer: Answer) -> GatewayError | None:
    """An answer of 2xx that this operation does not give: another program listens at the address."""
    try:
        if service == "sts" and not wire.values(service, operation, answer):
            raise ValueError
        if service != "sts":
            _refuse_no_list(wire.list_member(service, operation), answer)
    except GatewayError as fault_found:
        return fault_found
    except ValueError:
        with suppress(GatewayError):
            answer.json()
        return GatewayNotAnApi(
            f"The address answers {answer.status}, but not as AWS's {operation} does.",
            next_step="Leave the endpoint empty for AWS itself, or give the address of its stand-in.",
        )
    return None


def _refuse_no_list(member: str | None, answer: Answer) -> None:
    """Raise ValueError for what is no list where one was asked for, so that nobody's `{}` deletes what we know.

    AWS answers `{"item": []}` or `{"items": []}` for nothing. Its model does not promise the member, so an answer
    without it counts as empty when it bears the request id that AWS puts on every answer.
    """
    if member is None and not answer.body.strip():
        return
    told = answer.object()
    if member is None or isinstance(told.get(member), list):
        return
    if member in told or not (_is_json(answer) and answer.headers.get("x-amzn-requestid")):
        raise ValueError(f"no list in {member}")


def _is_json(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").partition(";")[0].strip() in _JSON
