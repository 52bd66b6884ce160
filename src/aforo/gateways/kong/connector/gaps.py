"""What an incomplete read may conclude: nothing about a service of which something may be missing. Pure."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from aforo.gateway_sdk.contract import Problem
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.kong.mapping import Joined, Row, Tables, reference


@dataclass(frozen=True, slots=True)
class Read:
    """All that was read, and what was not: by list ("routes"), `targets:<upstream id>`, or `schema:<kind>`."""

    tables: Tables
    faults: Mapping[str, GatewayError]


def complete(read: Read) -> tuple[Tables, tuple[Problem, ...]]:
    """Only the services of which everything is known, and one problem for each fault, saying what it cost."""
    if not read.faults:
        return read.tables, ()
    joined = Joined(read.tables)
    left_out: set[str] = set()
    problems = []
    for what, fault in sorted(read.faults.items()):
        affected = {row["id"] for row in read.tables.services if _touches(what, row, read.tables, joined)}
        left_out |= affected
        problems.append(Problem(_words(what, read.tables, len(affected)), fault.detail, fault.code))
    kept = [row for row in read.tables.services if row["id"] not in left_out]
    return replace(read.tables, services=kept), tuple(problems)


def _touches(what: str, service: Row, tables: Tables, joined: Joined) -> bool:
    """Whether this fault may hide something of this service."""
    part, _, which = what.partition(":")
    if part == "services":
        return False
    if part == "targets":
        return bool(joined.upstreams.get(service.get("host"), {}).get("id") == which)
    if part == "upstreams":
        return service.get("host") not in joined.upstreams and not _is_address(service.get("host"))
    if part in ("consumers", "consumer_groups"):
        known = {row["id"] for row in (tables.consumers if part == "consumers" else tables.consumer_groups)}
        return any(_unknown(plugin, part.removesuffix("s"), known) for plugin in joined.plugins.get(service["id"], ()))
    if what.startswith("schema:plugin:"):
        name = which.partition(":")[2]
        return any(plugin.get("name") == name for plugin in joined.plugins.get(service["id"], ()))
    if which in ("upstream", "target"):
        return service.get("host") in joined.upstreams
    return True  # routes, plugins, and the schemas that every service needs


def _unknown(plugin: Row, name: str, known: Iterable[str]) -> bool:
    native = reference(plugin, name)
    return bool(native) and native not in known


def _is_address(host: object) -> bool:
    """Kong refuses an IP address as an upstream's name, so a service with one has no upstream."""
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return True


def _words(what: str, tables: Tables, affected: int) -> str:
    part, _, which = what.partition(":")
    cost = f"{affected} service{'' if affected == 1 else 's'} left out, since something of them may be missing"
    if part == "services":
        return f"services after the first {len(tables.services)}"
    if part == "targets":
        return f"targets of upstream {_upstream(which, tables)}: {cost}"
    if part == "schema":
        return f"the schema of {which.replace(':', ' ')}, without which defaults cannot be told from wishes: {cost}"
    read = len(getattr(tables, part))
    return f"{part.replace('_', ' ')}{f' after the first {read}' if read else ''}: {cost}"


def _upstream(native: str, tables: Tables) -> str:
    return next((str(row.get("name")) for row in tables.upstreams if row["id"] == native), native)
