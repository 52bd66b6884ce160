"""The room's table: one row for each integration that has an artifact, or had one begun."""

import json
from typing import Any

from sqlalchemy import Column, ForeignKey, LargeBinary, Table, Text, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from aforo.artifacts import codec
from aforo.artifacts.model import Installed, Intent, Mode
from aforo.artifacts.vault import ArtifactVault
from aforo.gateway_sdk.artifact import Phase
from aforo.kit.clock import from_rfc3339, rfc3339
from aforo.kit.db import Database, metadata
from aforo.kit.errors import NotFound

artifacts = Table(
    "artifacts",
    metadata,
    Column("integration_id", Text, ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("version", Text),
    Column("wishes", Text, nullable=False),
    Column("wired_key", Text),
    Column("key_ids", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("unfinished", Text),
    Column("fault", Text),
    Column("deployed_at", Text),
    Column("attached_at", Text),
    Column("changed_at", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("pause", Text),
    Column("verification", Text),
)


class ArtifactStore:
    """Reads and writes whole records."""

    def __init__(self, db: Database, vault: ArtifactVault) -> None:
        self._db = db
        self._vault = vault

    async def one(self, tenant_id: str, integration_id: str) -> Installed | None:
        """Raises SecretLost."""
        mine = (artifacts.c.tenant_id == tenant_id) & (artifacts.c.integration_id == integration_id)
        async with self._db.read() as connection:
            row = (await connection.execute(select(artifacts).where(mine))).mappings().first()
        return self._read(row) if row else None

    async def exists(self, tenant_id: str, integration_id: str) -> bool:
        """Whether anything of an artifact may stand at the gateway; needs no secret."""
        mine = (artifacts.c.tenant_id == tenant_id) & (artifacts.c.integration_id == integration_id)
        async with self._db.read() as connection:
            return (await connection.execute(select(artifacts.c.phase).where(mine))).first() is not None

    async def keep(self, one: Installed) -> None:
        """NotFound when the integration is gone."""
        values = {
            "tenant_id": one.tenant_id,
            "phase": one.phase.value,
            "mode": one.mode.value,
            "version": one.version,
            "wishes": json.dumps(codec.wishes_out(one.wishes)),
            "wired_key": one.wired_key,
            "key_ids": json.dumps(one.key_ids),
            "sealed": self._vault.seal(one.tenant_id, one.integration_id, one.wiring, one.receipt),
            "unfinished": one.unfinished.value if one.unfinished else None,
            "fault": one.fault,
            "deployed_at": rfc3339(one.deployed_at) if one.deployed_at else None,
            "attached_at": rfc3339(one.attached_at) if one.attached_at else None,
            "changed_at": rfc3339(one.changed_at),
            "changed_by": one.changed_by,
            "pause": codec.pause_out(one.pause),
            "verification": codec.verification_out(one.verification),
        }
        write = upsert(artifacts).values(integration_id=one.integration_id, **values)
        try:
            async with self._db.write() as connection:
                await connection.execute(write.on_conflict_do_update(index_elements=["integration_id"], set_=values))
        except IntegrityError as fault:
            raise NotFound(f"There is no integration {one.integration_id} any more.") from fault

    async def forget(self, integration_id: str) -> None:
        async with self._db.write() as connection:
            await connection.execute(delete(artifacts).where(artifacts.c.integration_id == integration_id))

    def _read(self, row: Any) -> Installed:
        def moment(name: str) -> Any:
            return from_rfc3339(row[name]) if row[name] else None

        wiring, receipt = self._vault.open(row["tenant_id"], row["integration_id"], row["sealed"])
        return Installed(
            integration_id=row["integration_id"],
            tenant_id=row["tenant_id"],
            changed_at=moment("changed_at"),
            changed_by=row["changed_by"],
            phase=Phase(row["phase"]),
            mode=Mode(row["mode"]),
            version=row["version"],
            wishes=codec.wishes_in(json.loads(row["wishes"])),
            wiring=wiring,
            wired_key=row["wired_key"],
            key_ids=tuple(json.loads(row["key_ids"])),
            receipt=receipt,
            unfinished=Intent(row["unfinished"]) if row["unfinished"] else None,
            fault=row["fault"],
            deployed_at=moment("deployed_at"),
            attached_at=moment("attached_at"),
            pause=codec.pause_in(row["pause"]),
            verification=codec.verification_in(row["verification"]),
        )
