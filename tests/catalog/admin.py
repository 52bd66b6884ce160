"""A person at an emulated Kong's Admin API."""

from typing import Any

import httpx2

from tests.live import Emulated


def ask(kong: Emulated, method: str, path: str, body: object = None) -> Any:
    """One call that succeeds; its JSON."""
    answer = httpx2.request(method, kong.url + path, json=body, trust_env=False)
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


def make(kong: Emulated, *names: str) -> None:
    """A service and its route under each name."""
    for name in names:
        ask(kong, "POST", "/services", {"name": name, "host": f"{name}.internal"})
        ask(kong, "POST", f"/services/{name}/routes", {"name": f"{name}-r", "paths": [f"/{name}"]})


def rename(kong: Emulated, before: str, after: str) -> None:
    ask(kong, "PATCH", f"/services/{before}", {"name": after})


def swap(kong: Emulated, one: str, other: str) -> None:
    """Each takes the other's name."""
    rename(kong, one, "between")
    rename(kong, other, one)
    rename(kong, "between", other)


def remove(kong: Emulated, name: str) -> None:
    ask(kong, "DELETE", f"/routes/{name}-r")
    ask(kong, "DELETE", f"/services/{name}")
