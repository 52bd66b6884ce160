"""Runs once before the children start: bring the records up to date, and on the first start make an administrator.

A process of its own, so that the supervisor stays small. Prints one JSON line: adminKey (or null) and signInToken.
"""

import asyncio
import json
import sys

from aforo.app.records import upgrade
from aforo.app.settings import Settings
from aforo.app.wiring import open_rooms


async def _prepare(settings: Settings) -> dict[str, str | None]:
    rooms = open_rooms(settings)
    try:
        key = await rooms.accounts.ensure_first()
        tenant = (await rooms.accounts.tenants())[0]
        return {"adminKey": key, "signInToken": await rooms.accounts.sign_in_token(tenant.id)}
    finally:
        await rooms.aclose()


def main() -> None:
    """Settings come from the environment, which the supervisor has filled."""
    settings = Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    upgrade(settings.records_path)
    sys.stdout.write(json.dumps(asyncio.run(_prepare(settings))) + "\n")


if __name__ == "__main__":
    main()
