"""Shared flows: bundles by revision, their deployments, and the flow hooks that they are attached to."""

import base64
import binascii
import io
import re
import zipfile
from collections.abc import Iterator

from .answers import Answer, Row, absent, invalid, not_now
from .bundles import DeployedBundles
from .requests import Request
from .routing import Route
from .shapes import FLOW_HOOK, checked
from .store import Store

_MOST_BYTES = 15 * 2**20
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_POINTS = ("PreProxyFlowHook", "PreTargetFlowHook", "PostTargetFlowHook", "PostProxyFlowHook")
_FLOW = "sharedflows/{flow}"
_REVISION = f"{_FLOW}/revisions/{{revision}}"


class SharedFlows:
    """A revision's bundle is kept byte for byte. What is deployed or attached cannot be deleted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> Iterator[Route]:
        yield Route("GET", "sharedflows", self._list)
        yield Route("POST", "sharedflows", self._upload)
        yield Route("GET", _FLOW, lambda _, name: _shown(self._found(name)))
        yield Route("DELETE", _FLOW, self._delete)
        yield Route("GET", f"{_FLOW}/deployments", self._deployments)
        yield Route("GET", _REVISION, self._revision)
        yield Route("DELETE", _REVISION, self._delete_revision)

    def _list(self, request: Request) -> Row:
        named = {"name"} | ({"revision", "latestRevisionId"} if request.asks("includeRevisions") else set())
        rows = [_shown(row) for row in self._store.rows("flows")]
        shown = [{name: value for name, value in row.items() if name in named} for row in rows]
        return {"sharedFlows": shown} if shown else {}

    def _upload(self, request: Request) -> Row:
        """`import` adds a revision, `validate` only looks."""
        name, action = request.query.get("name", ""), request.query.get("action", "")
        if action not in ("import", "validate"):
            raise invalid("The action is import or validate.")
        if not _NAME.fullmatch(name):
            raise invalid("The name of a shared flow holds letters, digits, _ and - only.")
        bundle = request.file()
        policies = _policies(bundle)
        known = self._store.get("flows", name)
        number = str(1 + max((int(one) for one in known["revisions"]), default=0)) if known else "1"
        revision = {
            "policies": policies,
            "createdAt": self._store.now_ms(),
            "bundle": base64.b64encode(bundle).decode(),
        }
        if action == "import":
            before = known["revisions"] if known else {}
            self._store.put("flows", name, {"name": name, "revisions": {**before, number: revision}})
        return _told(name, number, revision)

    def _delete(self, request: Request, name: str) -> Row:
        del request
        row = self._found(name)
        self._refuse_used(name)
        self._store.remove("flows", name)
        return _shown(row)

    def _deployments(self, request: Request, name: str) -> Row:
        del request
        self._found(name)
        rows = [_without_polls(row) for row in self._store.rows("flow-deployments") if row["apiProxy"] == name]
        return {"deployments": rows} if rows else {}

    def _revision(self, request: Request, name: str, number: str) -> Row | Answer:
        revision = self.revision(name, number)
        if request.query.get("format") == "bundle":
            raw = base64.b64decode(revision["bundle"])
            return Answer(200, raw=raw, headers={"content-type": "application/zip"})
        return _told(name, number, revision)

    def _delete_revision(self, request: Request, name: str, number: str) -> Row:
        del request
        revision = self.revision(name, number)
        if any(row["apiProxy"] == name and row["revision"] == number for row in self._store.rows("flow-deployments")):
            raise not_now(f'Revision {number} of SharedFlow "{name}" is deployed.')
        row = self._found(name)
        left = {one: value for one, value in row["revisions"].items() if one != number}
        self._store.put("flows", name, {**row, "revisions": left})
        return _told(name, number, revision)

    def revision(self, name: str, number: str) -> Row:
        found: Row | None = self._found(name)["revisions"].get(number)
        if found is None:
            raise absent("SharedFlowRevision", f"{name}/{number}")
        return found

    def _found(self, name: str) -> Row:
        row = self._store.get("flows", name)
        if row is None:
            raise absent("SharedFlow", name)
        return row

    def _refuse_used(self, name: str) -> None:
        if any(row["apiProxy"] == name for row in self._store.rows("flow-deployments")):
            raise not_now(f'SharedFlow "{name}" is deployed. Undeploy it first.')
        if any(row["sharedFlow"] == name for row in self._store.rows("flowhooks")):
            raise not_now(f'SharedFlow "{name}" is attached to a flow hook. Detach it first.')


class FlowDeployments:
    """A deployment is PROGRESSING for so many looks, then READY, or ERROR where its bundle cannot be executed."""

    def __init__(self, store: Store, flows: SharedFlows, bundles: DeployedBundles, looks_until_ready: int) -> None:
        self._store = store
        self._flows = flows
        self._bundles = bundles
        self._looks = looks_until_ready

    def routes(self) -> Iterator[Route]:
        path = f"environments/{{environment}}/{_REVISION}/deployments"
        yield Route("POST", path, self._deploy)
        yield Route("GET", path, self._state)
        yield Route("DELETE", path, self._undeploy)
        yield Route("GET", f"environments/{{environment}}/{_FLOW}/deployments", self._deployed)

    def _deploy(self, request: Request, environment: str, name: str, number: str) -> Row:
        _refuse_unknown(self._store, environment)
        self._flows.revision(name, number)
        key = f"{environment}/{name}"
        there = self._store.get("flow-deployments", key)
        if there and there["revision"] != number and not request.asks("override"):
            raise not_now(f'Revision {there["revision"]} of SharedFlow "{name}" is already deployed.')
        row = {
            "environment": environment,
            "apiProxy": name,
            "revision": number,
            "deployStartTime": self._store.now_ms(),
            "polls": 0,
        }
        if account := request.query.get("serviceAccount"):
            row["serviceAccount"] = f"projects/-/serviceAccounts/{account}"
        return _without_polls(self._store.put("flow-deployments", key, row))

    def _state(self, request: Request, environment: str, name: str, number: str) -> Row:
        del request
        key, row = self._found(environment, name, number)
        self._store.put("flow-deployments", key, {**row, "polls": row["polls"] + 1})
        if row["polls"] < self._looks:
            return {**_without_polls(row), "state": "PROGRESSING"}
        fault = self._bundles.fault(name, number)
        if fault is None:
            return {**_without_polls(row), "state": "READY"}
        return {**_without_polls(row), "state": "ERROR", "errors": [{"code": 9, "message": fault}]}

    def _undeploy(self, request: Request, environment: str, name: str, number: str) -> Row:
        del request
        key, _ = self._found(environment, name, number)
        hooks = self._store.rows("flowhooks", f"{environment}/")
        if any(hook["sharedFlow"] == name for hook in hooks):
            raise not_now(f'SharedFlow "{name}" is attached to a flow hook. Detach it first.')
        self._store.remove("flow-deployments", key)
        return {}

    def _deployed(self, request: Request, environment: str, name: str) -> Row:
        del request
        _refuse_unknown(self._store, environment)
        row = self._store.get("flow-deployments", f"{environment}/{name}")
        return {"deployments": [_without_polls(row)]} if row else {}

    def _found(self, environment: str, name: str, number: str) -> tuple[str, Row]:
        _refuse_unknown(self._store, environment)
        row = self._store.get("flow-deployments", f"{environment}/{name}")
        if row is None or row["revision"] != number:
            raise absent("Deployment", f"{environment}/{name}/{number}")
        return f"{environment}/{name}", row


class FlowHooks:
    """One shared flow for each hook of an environment; whoever attaches another replaces it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> Iterator[Route]:
        path = "environments/{environment}/flowhooks/{hook}"
        yield Route("GET", path, self._get)
        yield Route("PUT", path, self._attach)
        yield Route("DELETE", path, self._detach)

    def _get(self, request: Request, environment: str, point: str) -> Row:
        del request
        return self._found(environment, point)

    def _attach(self, request: Request, environment: str, point: str) -> Row:
        self._found(environment, point)
        told = checked(FLOW_HOOK, request.object())
        flow = told.get("sharedFlow", "")
        if not self._store.get("flow-deployments", f"{environment}/{flow}"):
            raise not_now(f'SharedFlow "{flow}" is not deployed to environment "{environment}".')
        row = {"continueOnError": True, **told, "flowHookPoint": point}
        return self._store.put("flowhooks", f"{environment}/{point}", row)

    def _detach(self, request: Request, environment: str, point: str) -> Row:
        del request
        row = self._found(environment, point)
        self._store.remove("flowhooks", f"{environment}/{point}")
        return row

    def _found(self, environment: str, point: str) -> Row:
        """An empty hook is no error: it only names no shared flow."""
        _refuse_unknown(self._store, environment)
        if point not in _POINTS:
            raise invalid(f'"{point}" is not a flow hook point.')
        return self._store.get("flowhooks", f"{environment}/{point}") or {"flowHookPoint": point}


def _refuse_unknown(store: Store, environment: str) -> None:
    if store.get("environments", environment) is None:
        raise absent("Environment", environment)


def _policies(bundle: bytes) -> list[str]:
    """The names of the bundle's policies; raises the refusal for what is no shared flow."""
    if len(bundle) > _MOST_BYTES:
        raise invalid("The bundle is larger than 15 MB.")
    try:
        names = zipfile.ZipFile(io.BytesIO(bundle)).namelist()
    except (zipfile.BadZipFile, binascii.Error):
        raise invalid("The bundle is not a zip file.") from None
    if not any(name.startswith("sharedflowbundle/") for name in names):
        raise invalid("The bundle has no folder sharedflowbundle at its root.")
    found = (re.fullmatch(r"sharedflowbundle/policies/(.+)\.xml", name) for name in names)
    return sorted(one[1] for one in found if one)


def _told(name: str, number: str, revision: Row) -> Row:
    told = {"name": name, "revision": number, "type": "Application", "createdAt": revision["createdAt"]}
    return {**told, **({"policies": revision["policies"]} if revision["policies"] else {})}


def _shown(row: Row) -> Row:
    numbers = sorted(row["revisions"], key=int)
    return {"name": row["name"], **({"revision": numbers, "latestRevisionId": numbers[-1]} if numbers else {})}


def _without_polls(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "polls"}
