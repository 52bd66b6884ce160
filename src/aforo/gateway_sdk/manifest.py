"""What a gateway says of itself, as data: the connect form, the capability table and the call limits come from here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from aforo.gateway_sdk.provider import Provider


class Capability(StrEnum):
    """The sixteen things a gateway may be able to do, in the order of the table in the docs."""

    SIGN_IN = "sign_in"
    TEST = "test"
    DISCOVER = "discover"
    CAPTURE = "capture"
    DIFF = "diff"
    IMPORT = "import"
    DRIFT = "drift"
    RESTORE = "restore"
    PRICING_SYNC = "pricing_sync"
    MONETIZED_TAG = "monetized_tag"
    PROVISION = "provision"
    SUSPEND = "suspend"
    ROTATE = "rotate"
    REVOKE = "revoke"
    ARTIFACT = "artifact"
    ENFORCE = "enforce"


Level = Literal["yes", "substitute", "not_yet", "no"]


@dataclass(frozen=True, slots=True)
class Support:
    """Whether a capability is there; `words` tell how, by what substitute, or which vendor fact is in the way."""

    level: Level
    words: str = ""


class FieldKind(StrEnum):
    """CONSENT is never typed: it comes from the page of the sign-in's provider."""

    TEXT = "text"
    URL = "url"
    CHOICE = "choice"
    MULTILINE = "multiline"
    CONSENT = "consent"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a connect form. A secret is write-only: sealed at once, shown again only as its last four.

    `later`: required, but can be known only after Aforo has saved the integration and shown what it made for it.
    """

    name: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    hint: str = ""
    secret: bool = False
    required: bool = True
    later: bool = False
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()


CONSENT: Final = FormField("refresh_token", "Consent", FieldKind.CONSENT, secret=True, later=True)
"""What a sign-in with a provider ends with."""


PROXY: Final = FormField("proxy", "Proxy", FieldKind.URL, hint="For example http://proxy.internal:3128", required=False)
"""The transport goes through it by itself."""


def ca_bundle(hint: str) -> FormField:
    """Certificates that the transport trusts beside the usual ones; `hint` says when a gateway needs them."""
    return FormField("ca_bundle", "CA bundle", FieldKind.MULTILINE, hint=hint, required=False)


class SignInGroup(StrEnum):
    """The two or three choices of the wizard's second step."""

    OAUTH2 = "oauth2"
    AWS_ROLE = "aws_role"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class SignIn:
    """One way to connect, such as `header_token` in the group `manual`.

    With a `provider`, a person consents on its page, and CONSENT is among the fields.
    """

    key: str
    label: str
    group: SignInGroup
    fields: tuple[FormField, ...]
    recommended: bool = False
    help: str = ""
    provider: Provider | None = None


@dataclass(frozen=True, slots=True)
class EntityKind:
    """A kind of entity within a product. Kinds are listed in the order in which they are created.

    `foreign_is_drift`: a child of this kind that somebody else added counts as drift, since it changes what a call
    costs or who may make it; on other kinds it is only shown.
    """

    name: str
    label: str
    foreign_is_drift: bool = False


@dataclass(frozen=True, slots=True)
class CallLimit:
    """At most `calls` in `per_seconds`, with `burst` at once, for operations whose name starts with `operation`.

    An operation is "METHOD /path/template" or the vendor's own operation name. The empty prefix is every call.
    """

    calls: float
    per_seconds: float
    burst: int
    operation: str = ""
    source: str = ""


def said(level: Level, words: Mapping[Capability, str]) -> dict[Capability, Support]:
    """Capabilities of one level, each with how."""
    return {capability: Support(level, how) for capability, how in words.items()}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the artifact guarantees at this gateway, in words that the docs print as they are.

    delivery       how metered calls reach Aforo
    loss           how many metered calls a crash costs at most
    overshoot      by how much a quota can be passed at most
    lease_store    where leased units are counted down
    single_flight  how many concurrent renewals one gateway makes
    """

    delivery: Literal["durable", "at_least_once", "best_effort"]
    loss: str
    overshoot: str
    lease_store: str
    single_flight: str


@dataclass(frozen=True, slots=True)
class UsageFacts:
    """How far the gateway's own usage figures can be trusted, as the docs and the reconciliation page print it.

    granularity     what a figure is of, in words
    zone            whose days they are, such as UTC
    lag_minutes     about so late a call is in a figure; None where the vendor says nothing
    again_days      so many days back, today included, are asked for again, since the vendor may still amend them
    history_days    how far back the vendor tells at all
    counts          which calls are in a figure, and which are not
    exactness       what the vendor guarantees
    counts_refused  whether a call that was refused is in a product's figure; None where the vendor does not say
    """

    granularity: str
    zone: str
    lag_minutes: int | None
    again_days: int
    history_days: int
    counts: str
    exactness: str
    counts_refused: bool | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """One gateway. `key` is the folder's name; `emulator_port` where `aforo emulate` listens unless told otherwise."""

    key: str
    name: str
    product_word: str
    sign_ins: tuple[SignIn, ...]
    kinds: tuple[EntityKind, ...]
    capabilities: Mapping[Capability, Support]
    emulator_port: int
    call_limits: tuple[CallLimit, ...] = ()
    limits_shared_by: tuple[str, ...] = field(default=())
    """Names of settings that together name who shares the vendor's call budget; empty: the integration alone."""
    harmless_field: tuple[str, str] = ("", "")
    """Kind and pointer of a field whose change disturbs no call; what the conformance suite edits and puts back."""
    keyless: tuple[str, ...] = ()
    """Prefixes of native ids of products that the gateway's own keys cannot open."""
    bounds: Bounds | None = None
    """None where nothing runs inside the gateway."""
    usage: UsageFacts | None = None
    """None where Aforo does not read the gateway's own usage figures."""

    def sign_in(self, key: str) -> SignIn | None:
        return next((way for way in self.sign_ins if way.key == key), None)

    def kind(self, name: str) -> EntityKind | None:
        return next((kind for kind in self.kinds if kind.name == name), None)
