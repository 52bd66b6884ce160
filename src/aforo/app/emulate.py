"""Runs gateways' emulators: one alone on a port, or all of them in one child on their own ports."""

import argparse
import asyncio
from pathlib import Path

import uvicorn

from aforo.gateway_sdk.emulator import StateFile, Switchboard
from aforo.gateway_sdk.registry import Entry, gateways


def main(gateway: str, port: int | None = None, state_dir: Path | None = None, products: int = 12) -> int:
    """Serve until stopped; an emulator without state is filled with `products` products first."""
    known = {key: entry for key, entry in gateways().items() if entry.has("emulator")}
    if gateway != "all" and gateway not in known:
        print(f"There is no emulator {gateway}; there are {', '.join(sorted(known))}, and all.")
        return 2
    chosen = list(known.values()) if gateway == "all" else [known[gateway]]
    if port is not None and len(chosen) > 1:
        print("--port goes with one gateway; all of them listen on their own ports.")
        return 2
    asyncio.run(_serve(chosen, port, state_dir, products))
    return 0


async def _serve(entries: list[Entry], port: int | None, state_dir: Path | None, products: int) -> None:
    servers = [_server(entry, port, state_dir, products) for entry in entries]
    for entry, server in zip(entries, servers, strict=True):
        print(f"{entry.manifest.name} emulator on http://127.0.0.1:{server.config.port}", flush=True)
    await asyncio.gather(*(server.serve() for server in servers))


def _server(entry: Entry, port: int | None, state_dir: Path | None, products: int) -> uvicorn.Server:
    key = entry.manifest.key
    state = StateFile(state_dir / f"{key}.json" if state_dir else None)
    emulator = entry.emulator()
    if not state.load():
        emulator.seed(state, products)
    app = Switchboard(emulator.create(state))
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=entry.manifest.emulator_port if port is None else port,
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
