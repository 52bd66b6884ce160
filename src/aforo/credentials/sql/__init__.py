"""Tables of the credentials room and what reads and writes them."""

from aforo.credentials.sql.credentials import CredentialStore
from aforo.credentials.sql.orphans import OrphanStore
from aforo.credentials.sql.outbox import Outbox
from aforo.credentials.sql.seats import SeatStore

__all__ = ["CredentialStore", "OrphanStore", "Outbox", "SeatStore"]
