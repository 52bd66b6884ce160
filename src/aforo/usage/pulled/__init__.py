"""What gateways' own analytics counted by day: coarse figures beside the events, never summed up with them."""

from aforo.usage.pulled.reading import Place, Pulled, Pulling
from aforo.usage.pulled.reconciling import Reconciled, Reconciling
from aforo.usage.pulled.store import Figure, PulledStore

__all__ = ["Figure", "Place", "Pulled", "PulledStore", "Pulling", "Reconciled", "Reconciling"]
