"""The organization, its environments, its API proxies, and what is deployed where."""

from collections.abc import Iterator

from .answers import Row, absent
from .requests import Request
from .routing import Route
from .store import Store

_HOOKS = "flowhooks"


class Organization:
    """Read only: an organization is made elsewhere. Proxies and environments come from the seed."""

    def __init__(self, store: Store, name: str, *, monetized: bool) -> None:
        self._store = store
        self._name = name
        self._monetized = monetized

    def routes(self) -> Iterator[Route]:
        yield Route("GET", "", self._organization)
        yield Route("GET", "environments/{environment}", self._environment)
        yield Route("GET", "environments/{environment}/deployments", self._deployments)
        yield Route("GET", "apis", self._proxies)
        yield Route("GET", "apis/{api}", lambda _, name: self._proxy(name))
        yield Route("GET", "apis/{api}/deployments", self._deployments_of)

    def add_environment(self, name: str) -> None:
        row = {"name": name, "state": "ACTIVE", "type": "COMPREHENSIVE", "deploymentType": "PROXY"}
        now = self._store.now_ms()
        self._store.put("environments", name, {**row, "createdAt": now, "lastModifiedAt": now})

    def add_proxy(self, name: str, environment: str) -> None:
        """A proxy of one revision, deployed."""
        row = {"name": name, "revision": ["1"], "latestRevisionId": "1", "apiProxyType": "PROGRAMMABLE"}
        self._store.put("proxies", name, row)
        deployment = {"environment": environment, "apiProxy": name, "revision": "1"}
        deployment["deployStartTime"] = self._store.now_ms()
        self._store.put("proxy-deployments", f"{environment}/{name}", deployment)

    def _organization(self, request: Request) -> Row:
        del request
        return {
            "name": self._name,
            "projectId": self._name,
            "displayName": "Emulated",
            "state": "ACTIVE",
            "runtimeType": "CLOUD",
            "billingType": "EVALUATION",
            "subscriptionType": "TRIAL",
            "analyticsRegion": "europe-west1",
            "environments": [row["name"] for row in self._store.rows("environments")],
            "addonsConfig": {"monetizationConfig": {"enabled": True} if self._monetized else {}},
            "createdAt": "1767225600000",
            "lastModifiedAt": "1767225600000",
        }

    def _environment(self, request: Request, name: str) -> Row:
        del request
        row = self._store.get("environments", name)
        if row is None:
            raise absent("Environment", name)
        hooked = any(True for _ in self._store.rows(_HOOKS, f"{name}/"))
        return {**row, "hasAttachedFlowHooks": True} if hooked else row

    def _deployments(self, request: Request, name: str) -> Row:
        """Of proxies, or if asked of shared flows. Their state is told only by the deployment itself."""
        if self._store.get("environments", name) is None:
            raise absent("Environment", name)
        table = "flow-deployments" if request.asks("sharedFlows") else "proxy-deployments"
        rows = [{k: v for k, v in row.items() if k != "polls"} for row in self._store.rows(table, f"{name}/")]
        return {"deployments": rows} if rows else {}

    def _deployments_of(self, request: Request, api: str) -> Row:
        del request
        self._proxy(api)
        rows = [row for row in self._store.rows("proxy-deployments") if row["apiProxy"] == api]
        return {"deployments": rows} if rows else {}

    def _proxies(self, request: Request) -> Row:
        rows = list(self._store.rows("proxies"))
        kept = {"name", "apiProxyType"} | (
            {"revision", "latestRevisionId"} if request.asks("includeRevisions") else set()
        )
        shown = [{name: value for name, value in row.items() if name in kept} for row in rows]
        return {"proxies": shown} if shown else {}

    def _proxy(self, name: str) -> Row:
        row = self._store.get("proxies", name)
        if row is None:
            raise absent("ApiProxy", name)
        return row
