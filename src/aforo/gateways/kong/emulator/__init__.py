"""An emulator of the Admin API of Kong OSS 3.9, in memory and as an ASGI app; also of Konnect's core entities.

Where the facts come from:

- `/services`, `/routes`, `/consumers`, `/plugins`, `/key-auths`, `/acls`, their nesting, paging, tags, errors, and
  every `/schemas/…`: recorded answers of a real Kong 3.9.3, replayed by the tests.
- `/upstreams` and targets, `/config`, `/`, `/status`, `/tags`, everything of Konnect: the vendor's description alone. A
  node without a database (`database="off"`) takes its configuration through `POST /config` and refuses other writes.
- Consumers' calls below `/proxy`: recorded calls, for the plugins named in `proxy`. Lua plugins run, see `worker`.

Deliberately different from a real node: changes work at once, nothing is measured for `/status`, and certificates,
SNIs, vaults and keys do not exist.
"""

import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from aforo.gateway_sdk.emulator import StateFile

from .admin import AdminApi
from .app import Gate, KongEmulator, Part
from .control_plane import PluginSchemas
from .declarative import Declaration
from .entities import Entities, new_key, new_uuid
from .node import Node, fingerprint
from .proxy import RequestPath, Upstream
from .schemas import Schema
from .seeding import seed
from .signing_in import CONTROL_PLANE, Bearers, HeaderToken, Konnect
from .store import Store
from .worker import Workers

__all__ = ["CONTROL_PLANE", "KongEmulator", "create", "sample_connection", "seed"]


def create(
    state: StateFile,
    *,
    page_size: int = 100,
    database: Literal["postgres", "off"] = "postgres",
    admin_token: str | None = None,
    token_header: str = "Kong-Admin-Token",  # noqa: S107  the name of a header
    konnect: bool = False,
    bearers: bool = False,
    plugins: Mapping[str, Schema] | None = None,
    plugin_folders: Sequence[Path] = (),
    workers: int = 1,
    shared: Mapping[str, int] | None = None,
    prefix: Path | None = None,
    upstream: Upstream | None = None,
    now: Callable[[], float] = time.time,
    draw_id: Callable[[], str] = new_uuid,
    draw_key: Callable[[], str] = new_key,
) -> KongEmulator:
    """One emulated node over the entities of the state file.

    `page_size` is how much a list answers unless asked for more. With an `admin_token`, calls need it in
    `token_header`. With `konnect`, the entities are those of the control plane `CONTROL_PLANE`, below its path, for
    bearers of the `admin_token` (of any token, without one), and there is no PATCH.
    With `bearers`, calls need a token of the emulated OpenID provider. `plugins` are known besides the bundled ones,
    by their schemas alone; those in `plugin_folders`, and in the folder that AFORO_EMULATED_KONG_PLUGINS names, have
    code that runs, on so many `workers`. `shared` are dictionaries of nginx and their bytes, `prefix` is the folder in
    which the node writes. `upstream` answers consumers' calls instead of the built-in echo. `now`, `draw_id` and
    `draw_key` are the sources of times in seconds, ids and generated keys.
    """
    store = Store(state, now)
    if "node_id" not in store.facts:
        store.facts["node_id"] = str(uuid.uuid4())
        store.save()
    entities = Entities(store, now, plugins, draw_id, draw_key)
    has_database = database == "postgres"
    declaration = Declaration(entities, database=has_database)
    there = Workers(
        [*plugin_folders, *_folder_of_the_environment()],
        now=now,
        node_id=store.facts["node_id"],
        count=workers,
        shared=shared,
        prefix=prefix,
    )
    node = Node(entities, page_size, has_database, declaration.hash, there)
    admin = AdminApi(entities, page_size, database=has_database, patches=not konnect)
    gate = Bearers(now) if bearers else _gate(store, admin_token, token_header, konnect=konnect)
    requests = RequestPath(store, now, upstream, there)
    parts: list[Part] = [node, declaration, admin]
    if konnect:
        parts.append(PluginSchemas(entities))
    return KongEmulator(entities, requests, parts, gate, there)


def _folder_of_the_environment() -> list[Path]:
    named = os.environ.get("AFORO_EMULATED_KONG_PLUGINS")
    return [Path(named)] if named else []


def _gate(store: Store, token: str | None, header: str, *, konnect: bool) -> Gate | None:
    if konnect:
        return Konnect(token, fingerprint(store.facts["node_id"]))
    return None if token is None else HeaderToken(token, header)


def sample_connection(base_url: str) -> tuple[str, dict[str, str]]:
    """How to connect to an emulator that was created without a token: the sign-in method and its settings."""
    return "none", {"admin_url": base_url}
