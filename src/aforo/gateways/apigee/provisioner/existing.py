"""Everybody at Apigee: developers, their apps and keys, ours and foreign, from flat lists; removing an orphan."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from aforo.gateway_sdk.contract import Problem, Progress
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.provision import Existence, Existing, ExistingKey
from aforo.gateways.apigee.client import Client, Listing
from aforo.gateways.apigee.mapping import Row
from aforo.gateways.apigee.mapping.marks import (
    KEY_TYPE,
    NOBODYS_DOMAIN,
    is_marked,
    key_id,
    product_of,
    subscription_of,
)
from aforo.gateways.apigee.provisioner.holding import approved, standing
from aforo.gateways.apigee.provisioner.writing import drop_developer


async def existing(client: Client, now: datetime, progress: Progress) -> Existence:
    """Only a first call that fails raises; a list that ends early makes the answer partial."""
    developers = await client.developers()
    progress(len(developers.rows), None, "developers")
    listing = await client.apps() if developers.rows else Listing(())
    progress(len(listing.rows), None, "apps")
    apps = defaultdict(list)
    for row in listing.rows:
        apps[row.get("developerId")].append(row)
    consumers: list[Existing] = []
    for row in developers.rows:
        developer = await _whole(client, row)
        if developer is None:
            continue
        mine = apps[developer["developerId"]]
        mine += await _unlisted(client, developer, mine) if not listing.fault else []
        consumers += _of_developer(_Person(developer, now), mine)
    return Existence(tuple(consumers), tuple(_problems(developers, listing)))


async def _whole(client: Client, row: Row) -> Row | None:
    """The vendor's description allows a list in pages to be one of addresses alone; None if gone meanwhile."""
    return row if "developerId" in row else await client.find("developers", row["email"])


async def _unlisted(client: Client, developer: Row, listed: Iterable[Row]) -> list[Row]:
    """Apps that the list of all leaves out, since they have no key that is approved or revoked."""
    known = {row["name"] for row in listed}
    names = [name for name in developer.get("apps") or () if name not in known]
    found = [await client.find("developers", developer["email"], "apps", name) for name in names]
    return [row for row in found if row]


def _problems(developers: Listing, apps: Listing) -> Iterator[Problem]:
    for what, listing in (("developers", developers), ("apps", apps)):
        if listing.fault:
            yield Problem(f"{what} after the first {len(listing.rows)}", listing.fault.detail, listing.fault.code)


@dataclass(frozen=True, slots=True)
class _Person:
    row: Row
    now: datetime

    @property
    def email(self) -> str:
        return str(self.row["email"])

    def told(self, app: Row | None, keys: Iterable[Row], owner: str | None) -> Existing:
        names = [str(self.row.get(part) or "") for part in ("firstName", "lastName")]
        return Existing(
            consumer=self.email,
            name=" ".join(part for part in names if part) or self.email,
            keys=tuple(self._key(row, app or {}) for row in keys),
            application=app["appId"] if app else None,
            application_name=app["name"] if app else None,
            email=None if self.email.endswith(f"@{NOBODYS_DOMAIN}") else self.email,
            scope=frozenset(product_of(name) for row in keys for name in approved(row)),
            subscription_id=owner,
        )

    def _key(self, row: Row, app: Row) -> ExistingKey:
        made = int(row.get("issuedAt") or 0)
        created_at = datetime.fromtimestamp(made / 1000, UTC) if made > 0 else None
        sha256 = key_id(row["consumerKey"])
        return ExistingKey(KEY_TYPE, sha256, standing(row, app, self.row, self.now), sha256, created_at)


def _of_developer(person: _Person, apps: list[Row]) -> Iterator[Existing]:
    """A developer without apps is told as well; one that Aforo made and left is somebody's orphan."""
    if not apps and not person.row.get("apps"):
        yield person.told(None, [], subscription_of(person.row))
    for app in apps:
        yield from _of_app(person, app)


def _of_app(person: _Person, app: Row) -> Iterator[Existing]:
    """A foreign app on which Aforo made keys is told twice: once as it was, once with what is marked."""
    owner = subscription_of(app)
    keys = app.get("credentials") or []
    yield person.told(app, [row for row in keys if owner or subscription_of(row) is None], owner)
    marked: dict[str, list[Row]] = defaultdict(list)
    for row in keys:
        if not owner and (subscription := subscription_of(row)):
            marked[subscription].append(row)
    for subscription, of_it in marked.items():
        yield person.told(app, of_it, subscription)


async def remove(client: Client, found: Existing) -> None:
    """The app if it is ours, else the keys with our mark in it; a developer of ours that is left without apps."""
    if found.subscription_id is None:
        raise _not_ours(found)
    if found.application is None:
        await _remove_developer(client, found)
        return
    app = await client.find("apps", found.application)
    if app:
        path = ("developers", found.consumer, "apps", app["name"])
        marked = [row for row in app.get("credentials") or () if subscription_of(row) == found.subscription_id]
        if subscription_of(app) == found.subscription_id:
            await client.delete(*path)
        elif not marked:
            raise _not_ours(found)
        else:
            for row in marked:
                await client.delete(*path, "keys", row["consumerKey"])
    await drop_developer(client, found.consumer)


async def _remove_developer(client: Client, found: Existing) -> None:
    row = await client.find("developers", found.consumer)
    if row and not is_marked(row):
        raise _not_ours(found)
    await drop_developer(client, found.consumer)


def _not_ours(found: Existing) -> GatewayError:
    name = found.application_name or found.consumer
    return GatewayError(
        f"{name} does not carry Aforo's mark, so Aforo does not delete it.",
        next_step="Delete it at Apigee if nobody needs it.",
    )
