"""What a sender adds beyond the known members: one canonical JSON text, without anything that looks like a secret."""

import re
from decimal import Decimal
from typing import Any, Final

import msgspec

from aforo.usage.model import Refused

MAX_BYTES: Final = 16 * 1024
_MAX_DEPTH: Final = 64
_HINTS: Final = (
    b"key", b"secret", b"pass", b"token", b"authoriz", b"cookie", b"credential", b"bearer", b"k_live_", b"k_test_",
    b"\\u",
)  # fmt: skip
_SECRET_NAME: Final = re.compile(
    r"(apikey|secretkey|privatekey|accesskey|secret|password|passwd|passphrase|authorization|accesstoken|refreshtoken"
    r"|idtoken|authtoken|bearertoken|sessiontoken|clientsecret|credential|credentials|cookie)$|^token$|^bearer$"
)
_SECRET_VALUE: Final = re.compile(r"(sk|rk)_(live|test)_|(?i:bearer )")
_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_NOTHING_BESIDE: Final[dict[str, bytes]] = {}
_encoder: Final = msgspec.json.Encoder(order="sorted", decimal_format="number")


def looks_secret(name: str) -> bool:
    """Whether a member of this name holds a secret: `apiKey`, `client_secret`; not `inputTokens` or `keyId`."""
    return _SECRET_NAME.search(re.sub(r"[-_. ]", "", name).lower()) is not None


def metadata(raw: bytes, extra: dict[str, bytes]) -> bytes:
    """The canonical text of a metadata member and the unknown members beside it; empty for none.

    What stands in `metadata` wins over an unknown member of the same name. Numbers stay exact. Raises Refused.
    """
    if not extra and raw in (b"", b"{}", b"[]", b"null"):
        return b""
    try:
        return _canonical(_object(raw), extra)
    except RecursionError:
        raise Refused("invalid_metadata", "metadata is nested too deeply") from None
    except ValueError:
        raise Refused("invalid_metadata", "metadata holds text or numbers that cannot be read") from None


def metadatas(raws: list[bytes]) -> dict[bytes, bytes]:
    """The canonical text for each of many metadata members, without unknown members beside them. Raises Refused."""
    joined = b"[%s]" % b",".join(raws)
    if b"" in raws or hints_at_secrets(joined) or max(map(len, raws)) > MAX_BYTES:
        return {raw: metadata(raw, _NOTHING_BESIDE) for raw in raws}
    try:
        trees = _decoder.decode(joined)
        if set(map(type, trees)) != {dict}:
            return {raw: metadata(raw, _NOTHING_BESIDE) for raw in raws}
        texts = list(map(bytes, _raws.decode(_encoder.encode(trees))))
    except (ValueError, RecursionError):
        texts = []
    if not texts or max(map(len, texts)) > MAX_BYTES:
        return {raw: metadata(raw, _NOTHING_BESIDE) for raw in raws}
    return {raw: b"" if text == b"{}" else text for raw, text in zip(raws, texts, strict=True)}


def without_secrets(text: bytes) -> msgspec.Raw:
    """JSON text without the members that look like secrets. Raises Refused, ValueError, RecursionError."""
    return msgspec.Raw(_encoder.encode(_without_secrets(_decoder.decode(text), 0)))


def hints_at_secrets(text: bytes) -> bool:
    """Whether a closer look is needed; errs on the side of looking."""
    lowered = text.lower()
    return any(hint in lowered for hint in _HINTS)


def _canonical(tree: dict[str, Any], extra: dict[str, bytes]) -> bytes:
    for name, value in extra.items():
        if name not in tree:
            tree[name] = _decoder.decode(value)
    text = _encoder.encode(tree)
    if hints_at_secrets(text):
        text = _encoder.encode(_without_secrets(tree, 0))
    if len(text) > MAX_BYTES:
        raise Refused("metadata_too_large", "metadata and unknown members together are over 16 KiB")
    return b"" if text == b"{}" else text


def _object(raw: bytes) -> dict[str, Any]:
    tree = _decoder.decode(raw or b"null")
    if tree is None or tree == []:
        return {}
    if not isinstance(tree, dict):
        raise Refused("invalid_metadata", "metadata must be a JSON object")
    return tree


def _without_secrets(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise Refused("invalid_metadata", "metadata is nested too deeply")
    if isinstance(value, dict):
        return {
            name: _without_secrets(member, depth + 1)
            for name, member in value.items()
            if not looks_secret(name) and not _is_secret(member)
        }
    if isinstance(value, list):
        return [_without_secrets(member, depth + 1) for member in value if not _is_secret(member)]
    return value


def _is_secret(value: Any) -> bool:
    return isinstance(value, str) and _SECRET_VALUE.match(value) is not None
