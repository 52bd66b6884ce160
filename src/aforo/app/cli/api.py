"""The API over HTTP. Every answer that is not a success becomes a `Failure`."""

import json
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import Failure, failure, from_api
from aforo.app.cli.profile import Place

if TYPE_CHECKING:
    import httpx2

    from aforo.app.cli.waiting import Waiting

View = dict[str, Any]
"""An answer of the API, as JSON."""

_PATIENCE_SECONDS: Final = 120.0
_PAGE: Final = 1000


class Api:
    """One Aforo. Proxies and other settings of the environment are left out: a key goes where it was meant to go."""

    def __init__(self, place: Place, waiting: "Waiting") -> None:
        self._place = place
        self._waiting = waiting
        self._http: httpx2.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        if self._http:
            self._http.close()

    @property
    def url(self) -> str:
        """Where this Aforo is; its console is there too."""
        return self._place.url.rstrip("/")

    def get(self, path: str, **query: Any) -> View:
        return self.send("GET", path, query=query, reads=True)

    def text(self, path: str, **query: Any) -> str:
        """An answer that is no JSON, such as a file."""
        answer = self._call("GET", path, None, query, {}, reads=True)
        return answer.text if answer.is_success else str(self._decode(answer, reads=True))

    def everything(self, path: str, **query: Any) -> View:
        """All pages of a list as one page."""
        rows: list[Any] = []
        cursor: str | None = None
        while True:
            page = self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            rows += page["data"]
            cursor = page.get("nextCursor")
            if cursor is None:
                return {"data": rows, "nextCursor": None}

    def products(self, **query: Any) -> View:
        return self.everything("/products", limit=_PAGE, **query)

    def send(
        self,
        method: str,
        path: str,
        body: View | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        reads: bool = False,
    ) -> View:
        """One call. `reads`: it changes nothing, whatever its method."""
        return self._decode(self._call(method, path, body, query, {}, reads=reads), reads=reads)

    def work(
        self,
        title: str,
        method: str,
        path: str,
        body: View | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        reads: bool = False,
    ) -> View:
        """A call that waits for a gateway: asked for as a job, and followed until it ends."""
        answer = self._call(method, path, body, query, {"Prefer": "respond-async"}, reads=reads)
        view = self._decode(answer, reads=reads)
        return self.follow(title, view["jobId"], reads=reads) if answer.status_code == 202 else view

    def follow(self, title: str, job_id: str, *, reads: bool = False) -> View:
        """Wait for a job: its result, or its failure."""
        job = self._waiting.until_ended(title, job_id, lambda: self.get(f"/jobs/{quoted(job_id)}"))
        if job["state"] == "DONE":
            result: View = job["result"] or {}
            return result
        if job["error"]:
            raise from_api(job["error"], reads=reads)
        raise failure(
            f"job_{job['state'].lower()}",
            Exit.UNEXPECTED,
            f"{title}: {job['state'].lower()}",
            f"Job {job_id} ended before its work was done. What it had done by then stays done.",
            next_step="Look at how things stand, then run the command again.",
        )

    def _call(
        self,
        method: str,
        path: str,
        body: View | None,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        *,
        reads: bool,
    ) -> "httpx2.Response":
        import httpx2

        given = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            return self._client().request(method, f"/api/v1{path}", json=body, params=given, headers=dict(headers))
        except httpx2.ConnectError as fault:
            raise self._unreachable(f"No Aforo answers at {self._place.url}: {_words(fault)}.", sent=False) from None
        except (httpx2.TransportError, httpx2.InvalidURL) as fault:
            sent = not reads and not isinstance(fault, httpx2.ConnectTimeout | httpx2.UnsupportedProtocol)
            raise self._unreachable(f"{self._place.url} did not answer: {_words(fault)}.", sent=sent) from None

    def _client(self) -> "httpx2.Client":
        if self._http is None:
            import httpx2

            key = self._place.key
            if key is None or not key.isascii() or not key.isprintable():
                raise _not_signed_in(self._place, "no key" if key is None else "a key with letters no key has")
            self._http = httpx2.Client(
                base_url=self._place.url,
                headers={"Authorization": f"Bearer {key}", "User-Agent": "aforo-cli"},
                timeout=httpx2.Timeout(_PATIENCE_SECONDS, connect=10.0),
                trust_env=False,
            )
        return self._http

    def _decode(self, answer: "httpx2.Response", *, reads: bool) -> View:
        if answer.status_code == 204:
            return {}
        view = _json_object(answer)
        if answer.is_success and view is not None:
            return view
        if view is not None and "code" in view and "status" in view:
            raise from_api(view, reads=reads)
        sort = answer.headers.get("content-type", "no type").partition(";")[0]
        raise self._unreachable(
            f"{self._place.url} answered {answer.status_code} with {sort}, which is not how Aforo answers.",
            sent=not reads,
            code="not_aforo",
        )

    def _unreachable(self, what: str, *, sent: bool, code: str = "aforo_unreachable") -> Failure:
        return failure(
            code,
            Exit.NO_AFORO,
            "Aforo cannot be reached",
            f"{what} Whether the change took effect is not known." if sent else what,
            next_step="Start it with aforo serve, or name another with --url or AFORO_URL.",
            unharmed="" if sent else "Nothing was changed.",
        )


def quoted(part: str) -> str:
    """One part of a path."""
    return quote(part, safe="")


def _json_object(answer: "httpx2.Response") -> View | None:
    try:
        view = json.loads(answer.content)
    except ValueError:
        return None
    return view if isinstance(view, dict) else None


def _words(fault: Exception) -> str:
    return (str(fault) or type(fault).__name__).rstrip(".")


def _not_signed_in(place: Place, what: str) -> Failure:
    return failure(
        "not_signed_in",
        Exit.NOT_SIGNED_IN,
        "Not signed in",
        f"There is {what} for {place.url}.",
        next_step="aforo login, or set AFORO_API_KEY. The first start of aforo serve prints an admin key.",
        unharmed="Nothing was sent.",
    )
