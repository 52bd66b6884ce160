"""One call on its way: what policies see and change, and the three ways in which one ends early."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aforo.gateways.azure.emulator.engine.counters import Counters
from aforo.gateways.azure.emulator.engine.evaluating import evaluate
from aforo.gateways.azure.emulator.engine.members import CsharpFault, Headers, Thing, Variables, text
from aforo.gateways.azure.emulator.policy_text import Node


class Returned(Exception):
    """`return-response`: nothing more of the document runs."""


class PolicyFault(Exception):
    """A policy fails: the call goes on in `on-error`, with this as the answer unless it is changed there."""

    def __init__(self, source: str, reason: str, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.source, self.reason, self.status, self.message, self.headers = source, reason, status, message, headers


@dataclass(slots=True)
class Message:
    """A request (with method and url) or a response (with a status)."""

    headers: Headers = field(default_factory=Headers)
    body: str = ""
    status: int = 200
    reason: str = ""
    method: str = "GET"
    path: str = "/"
    host: str = ""
    query: dict[str, str] = field(default_factory=dict)
    url: str = ""


Send = Callable[[Message, float], Awaitable[Message]]
"""A request over the network and how long it may take; raises OSError where there is no answer."""


class Surroundings(Protocol):
    """What a call shares with all others at the gateway."""

    counters: Counters

    def named_value(self, name: str) -> str: ...

    def fragment(self, name: str) -> Sequence[Node]: ...

    async def send(self, request: Message, seconds: float) -> Message: ...

    def send_later(self, request: Message, seconds: float) -> None: ...

    async def backend(self, run: "Run") -> Message: ...


_NAMED: Final = "{{"


@dataclass(slots=True)
class Run:
    """`facts` are the context's members that no policy changes."""

    around: Surroundings
    request: Message
    facts: Mapping[str, Any]
    subscription_id: str | None
    documents: Sequence[Node | None] = ()
    """Of the operation, the API, the product, the service: the order in which `base` leads from one to the next."""
    response: Message | None = None
    variables: Variables = field(default_factory=Variables)
    section: str = "inbound"
    failed_in: str = ""
    fault: PolicyFault | None = None
    backend_url: str = ""
    scope: int = 0
    """Which of the documents runs now."""

    def said(self, written: str) -> str:
        """An attribute or text: named values put in, an expression evaluated, as a string."""
        return text(self.value(written))

    def value(self, written: str) -> Any:
        """The same with its type; what is no expression is text."""
        whole = self._with_named_values(written)
        if not whole.strip().startswith(("@(", "@{")):
            return whole
        try:
            return evaluate(whole.strip(), self.context(), self.around.counters.now)
        except CsharpFault as fault:
            words = "Expression evaluation failed. " + str(fault)
            raise PolicyFault("expression", "ExpressionValueEvaluationFailure", 500, words) from fault

    def context(self) -> Thing:
        return Thing(
            "Context",
            **self.facts,
            Request=_request(self.request),
            Response=None if self.response is None else response_thing(self.response),
            Variables=self.variables,
            LastError=None if self.fault is None else self._error(self.fault),
        )

    def _error(self, fault: PolicyFault) -> Thing:
        return Thing(
            "LastError",
            Source=fault.source,
            Reason=fault.reason,
            Message=fault.message,
            Section=self.failed_in,
            Scope="",
        )

    def _with_named_values(self, written: str) -> str:
        while _NAMED in written:
            before, _, rest = written.partition(_NAMED)
            name, _, after = rest.partition("}}")
            written = before + self.around.named_value(name.strip()) + after
        return written


def response_thing(message: Message) -> Thing:
    """As IResponse; its body can be read once."""
    body = Thing("Body", text=message.body)
    return Thing(
        "IResponse", StatusCode=message.status, StatusReason=message.reason, Headers=message.headers, Body=body
    )


def _request(message: Message) -> Thing:
    url = Thing("Url", Path=message.path, Host=message.host, Scheme="https", Query=Thing("Query", **message.query))
    return Thing(
        "Request", Method=message.method, Headers=message.headers, Url=url, OriginalUrl=url, IpAddress="127.0.0.1",
        Body=Thing("Body", text=message.body),
    )  # fmt: skip
