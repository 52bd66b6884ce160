"""What the service checks and fills in before it takes a resource, kind by kind."""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Final

from aforo.gateways.azure.emulator import openapi, policy_text
from aforo.gateways.azure.emulator.kinds import KINDS
from aforo.gateways.azure.emulator.policy_text import Node, PolicyFault
from aforo.gateways.azure.emulator.store import Path, Store
from aforo.gateways.azure.emulator.wire import Record, invalid

_NAMED_VALUE: Final = re.compile(r"\{\{([\w.\-]+)\}\}")
_DISPLAY_NAME: Final = re.compile(r"[A-Za-z0-9._\-]+")
_RESULT = tuple[Record, Record]


def settled(store: Store, path: Path, properties: Record, before: Record | None) -> _RESULT:
    """(properties, hidden) as they will be kept; refuses what the service would refuse."""
    check = _CHECKS.get(path[::2])
    return check(store, path, properties, before) if check else (properties, {})


def check_deletable(store: Store, path: Path) -> None:
    """Refuses to delete what something else refers to."""
    names = path[::2]
    if names == ("namedValues",) and (record := store.find(path)):
        used = record["properties"]["displayName"]
        if any(used in _NAMED_VALUE.findall(policy["properties"]["value"]) for policy in policies(store)):
            raise invalid("namedValueId", f"The named value '{used}' is used by a policy and cannot be deleted.")
    if names == ("users",) and any(_owner(one) == path[-1].lower() for one in store.every("subscriptions")):
        raise invalid("userId", "The user has subscriptions; delete them, or pass deleteSubscriptions=true.")
    if names == ("policyFragments",) and references(store, path[-1]):
        raise invalid("id", f"The fragment '{path[-1]}' is used by a policy and cannot be deleted.")


def drop_subscriptions(store: Store, user: str) -> None:
    """Delete what a user has subscribed to."""
    for one in store.every("subscriptions"):
        if _owner(one) == user.lower():
            store.delete(tuple(one["path"]))


def policies(store: Store) -> list[Record]:
    return [record for names in _POLICIES for record in store.every(*names)]


def references(store: Store, fragment: str) -> list[Record]:
    """The policies that include a fragment."""
    return [policy for policy in policies(store) if fragment in _fragments(_parsed(policy["properties"]["value"]))]


def _parsed(text: str, *, raw: bool = True) -> Node:
    try:
        return policy_text.parse(text, raw=raw)
    except PolicyFault as fault:
        raise invalid("representation", f"Error in policy document: {fault}") from fault


def _fragments(root: Node) -> list[str | None]:
    return [node.attribute("fragment-id") for node in root.named("include-fragment")]


def _policy(store: Store, path: Path, properties: Record, before: Record | None) -> _RESULT:
    del before
    if path[-1].lower() != "policy":
        raise invalid("policyId", "The identifier of a policy must be 'policy'.")
    style = properties.get("format") or "xml"
    if style not in ("xml", "rawxml"):
        raise invalid("format", f"The format '{style}' is not emulated; xml and rawxml are.")
    root = _parsed(str(properties["value"]), raw=style == "rawxml")
    if root.tag != "policies" or any(node.tag not in policy_text.SECTIONS for node in root.children if node.tag):
        raise invalid("representation", f"Error in element '{root.tag}': only inbound, backend, outbound and on-error.")
    if path[::2] != ("products", "policies") and root.named("quota"):
        raise invalid("representation", "Error in element 'quota': Policy is not allowed in the specified scope.")
    for fragment in _fragments(root):
        if fragment is None or store.find(("policyFragments", fragment)) is None:
            raise invalid("representation", f"Error in element 'include-fragment': '{fragment}' does not exist.")
    text = policy_text.write(root, raw=True)
    known = {record["properties"]["displayName"] for record in store.every("namedValues")}
    for name in _NAMED_VALUE.findall(text):
        if name not in known:
            raise invalid("representation", f"Cannot find a property '{name}'")
    return {"format": "rawxml", "value": text}, {}


def _fragment(store: Store, path: Path, properties: Record, before: Record | None) -> _RESULT:
    del store, path, before
    root = _parsed(str(properties["value"]), raw=properties.get("format") == "rawxml")
    if root.tag != "fragment" or any(root.named(name) for name in (*policy_text.SECTIONS, "base")):
        raise invalid("value", "A fragment holds policies only: no sections and no base.")
    if root.named("include-fragment"):
        raise invalid("value", "A fragment cannot include another.")
    inner = "\r\n".join(policy_text.write(child, raw=True) for child in root.children)
    return {**properties, "format": properties.get("format") or "xml", "value": inner}, {}


def _product(store: Store, path: Path, properties: Record, before: Record | None) -> _RESULT:
    del store, path, before
    if not properties.get("subscriptionRequired"):
        if properties.get("approvalRequired"):
            raise invalid("approvalRequired", "May be set only if subscriptionRequired is true.")
        return properties, {}
    return {"approvalRequired": False, **properties}, {}


def _api(store: Store, path: Path, properties: Record, before: Record | None) -> _RESULT:
    """Settings; a document that came with them is kept apart, until the operation that imports it ends."""
    del before
    hidden: Record = {}
    told = {name: value for name, value in properties.items() if name not in ("format", "value")}
    told["subscriptionKeyParameterNames"] = _key_names(told.get("subscriptionKeyParameterNames") or {})
    if "value" in properties:
        document = openapi.read(properties)
        hidden = {"document": document}
        told.setdefault("displayName", document["info"]["title"])
        servers = document.get("servers") or []
        if servers and "serviceUrl" not in told:
            told["serviceUrl"] = servers[0].get("url")
    if not told.get("displayName"):
        raise invalid("displayName", "is required")
    for other in store.every("apis"):
        is_other = "/".join(other["path"]).lower() != "/".join(path).lower()
        if is_other and _address(other["properties"]) == _address(told):
            words = f"Cannot create API '{path[-1]}' with the same Path '{told.get('path')}' and Name as another."
            raise invalid("path", words)
    return told, hidden


def _key_names(told: Mapping[str, object]) -> Record:
    """Where a caller's key is looked for; a name that is not given is the usual one."""
    names: Record = {}
    for place, usual in KINDS["apis",].defaults["subscriptionKeyParameterNames"].items():
        names[place] = told.get(place) or usual
        if not isinstance(names[place], str):
            raise invalid("subscriptionKeyParameterNames", "must hold strings")
    return names


def _address(properties: Mapping[str, object]) -> tuple[object, object]:
    return properties.get("path"), properties.get("apiVersion")


def _named_value(store: Store, path: Path, properties: Record, before: Record | None) -> _RESULT:
    name = str(properties.get("displayName", ""))
    if not _DISPLAY_NAME.fullmatch(name):
        raise invalid("displayName", "may contain only letters, digits, period, dash and underscore.")
    for other in store.every("namedValues"):
        if other["properties"]["displayName"] == name and other["path"][-1].lower() != path[-1].lower():
            raise invalid("displayName", f"A named value with the name '{name}' already exists.")
    kept = before["hidden"].get("value") if before else None
    value = properties.get("value", kept)
    if not str(value or "").strip() and "keyVault" not in properties:
        raise invalid("value", "may not be empty or consist only of white space.")
    if not properties.get("secret"):
        return {**properties, "value": value}, {"value": value}
    return {key: told for key, told in properties.items() if key != "value"}, {"value": value}


def _tag(store: Store, path: Path, properties: Record, before: Record | None) -> _RESULT:
    del before
    for other in store.every("tags"):
        if other["properties"]["displayName"] == properties["displayName"] and other["path"][-1] != path[-1]:
            raise invalid("displayName", "A tag with this name already exists.")
    return properties, {}


def _subscription(store: Store, path: Path, properties: Record, before: Record | None) -> _RESULT:
    product = _scoped_product(store, str(properties["scope"]))
    needs_approval = bool(product and product["properties"].get("approvalRequired"))
    keys = {name: str(properties.pop(name, "") or _kept(before, name)) for name in ("primaryKey", "secondaryKey")}
    _check_keys(store, path, keys)
    owner = properties.get("ownerId")
    limit = product["properties"].get("subscriptionsLimit") if product else None
    if before is None and limit is not None and owner:
        same = [one for one in store.every("subscriptions") if _is_of(one["properties"], owner, properties["scope"])]
        if len(same) >= limit:
            raise invalid("productId", "The limit of subscriptions to this product is reached for the user.")
    return {"state": "submitted" if needs_approval else "active", **properties}, keys


def _check_keys(store: Store, path: Path, keys: Mapping[str, str]) -> None:
    """A key opens one subscription. That a second one with it is refused is our reading, not the vendor's word."""
    if keys["primaryKey"] == keys["secondaryKey"]:
        raise invalid("secondaryKey", "The primary and the secondary key must differ.")
    for other in (one for key in keys.values() for one in store.with_key(key)):
        if other["path"][-1].lower() != path[-1].lower():
            raise invalid("primaryKey", "A subscription with the same key already exists.")


def _is_of(properties: Record, owner: object, scope: object) -> bool:
    return (properties.get("ownerId"), properties.get("scope")) == (owner, scope)


def _owner(record: Record) -> str:
    return str(record["properties"].get("ownerId") or "").rpartition("/")[2].lower()


def _kept(before: Record | None, name: str) -> str:
    return str(before["hidden"][name]) if before else new_key()


def new_key() -> str:
    return secrets.token_hex(16)


def _scoped_product(store: Store, scope: str) -> Record | None:
    """The product of a scope; None for all APIs or one. Refuses a scope of something that is not there."""
    place = tuple(scope.rpartition("/service/")[2].strip("/").split("/"))
    place = place[1:] if "/service/" in scope else place
    if place == ("apis",):
        return None
    record = store.find(place) if place[0] in ("apis", "products") and len(place) == 2 else None
    if record is None:
        raise invalid(
            "scope", f"Subscription scope should be one of '/apis', '/apis/{{id}}', '/products/{{id}}': {scope}"
        )
    return record if place[0] == "products" else None


def _user(store: Store, path: Path, properties: Record, before: Record | None) -> _RESULT:
    del before
    for other in store.every("users"):
        if other["properties"]["email"] == properties["email"] and other["path"][-1] != path[-1]:
            raise invalid("email", "User with the same email already exists")
    kept = {name: value for name, value in properties.items() if name not in ("password", "confirmation", "appType")}
    identities = [{"provider": "Basic", "id": properties["email"]}]
    return {"identities": identities, **kept}, {}


_POLICIES: Final = (
    ("policies",), ("products", "policies"), ("apis", "policies"), ("apis", "operations", "policies"),
)  # fmt: skip
_CHECKS: Final[Mapping[tuple[str, ...], Callable[[Store, Path, Record, Record | None], _RESULT]]] = {
    **dict.fromkeys(_POLICIES, _policy),
    ("policyFragments",): _fragment,
    ("products",): _product,
    ("apis",): _api,
    ("namedValues",): _named_value,
    ("tags",): _tag,
    ("subscriptions",): _subscription,
    ("users",): _user,
}
