"""Runs emulators of gateways, and of the OAuth server: one alone on a port, or all in one child on their own ports."""

import argparse
import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn

import aforo.gateways
from aforo.app import oauth_emulator
from aforo.gateway_sdk.emulator import AsgiApp, StateFile, Switchboard
from aforo.gateway_sdk.registry import Entry, gateways

_OAUTH: Final = "oauth"


@dataclass(frozen=True, slots=True)
class _Emulator:
    """One that can be run; `entry` is None for the OAuth server, which has no products."""

    key: str
    name: str
    port: int
    entry: Entry | None

    def app(self, state: StateFile, products: int) -> AsgiApp:
        if self.entry is None:
            return oauth_emulator.OAuthEmulator(state)
        emulator = self.entry.emulator()
        _install(self.key)
        if not state.load():
            emulator.seed(state, products)
        app: AsgiApp = emulator.create(state)
        return app


def main(gateway: str, port: int | None = None, state_dir: Path | None = None, products: int = 12) -> int:
    """Serve until stopped; an emulator without state is filled with `products` products first."""
    known = _known()
    if gateway != "all" and gateway not in known:
        print(f"There is no emulator {gateway}; there are {', '.join(sorted(known))}, and all.")
        return 2
    chosen = list(known.values()) if gateway == "all" else [known[gateway]]
    if port is not None and len(chosen) > 1:
        print("--port goes with one gateway; all of them listen on their own ports.")
        return 2
    asyncio.run(_serve(chosen, port, state_dir, products))
    return 0


def _known() -> dict[str, _Emulator]:
    found = {
        key: _Emulator(key, entry.manifest.name, entry.manifest.emulator_port, entry)
        for key, entry in gateways().items()
        if entry.has("emulator")
    }
    return {**found, _OAUTH: _Emulator(_OAUTH, "OAuth server", oauth_emulator.PORT, None)}


def _install(key: str) -> None:
    """What runs inside the gateway lies on the emulated node already, as an operator would have put it there."""
    templates = Path(aforo.gateways.__path__[0]) / key / "templates"
    if templates.is_dir():
        os.environ.setdefault(f"AFORO_EMULATED_{key.upper()}_PLUGINS", str(templates))


async def _serve(chosen: list[_Emulator], port: int | None, state_dir: Path | None, products: int) -> None:
    servers = [_server(one, port, state_dir, products) for one in chosen]
    for one, server in zip(chosen, servers, strict=True):
        print(f"{one.name} emulator on http://127.0.0.1:{server.config.port}", flush=True)
    await asyncio.gather(*(server.serve() for server in servers))


def _server(one: _Emulator, port: int | None, state_dir: Path | None, products: int) -> uvicorn.Server:
    state = StateFile(state_dir / f"{one.key}.json" if state_dir else None)
    config = uvicorn.Config(
        Switchboard(one.app(state, products)),
        host="127.0.0.1",
        port=one.port if port is None else port,
        log_level="warning",
        lifespan="auto",
    )
    return uvicorn.Server(config)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("gateway")
    parser.add_argument("--port", type=int)
    parser.add_argument("--state-dir", type=Path)
    parser.add_argument("--products", type=int, default=12)
    given = parser.parse_args()
    raise SystemExit(main(given.gateway, given.port, given.state_dir, given.products))
