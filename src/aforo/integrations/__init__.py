"""Connected gateways: sign-in, sealed secrets, health, breaker, call budget."""

from aforo.integrations.errors import PartMissing
from aforo.integrations.model import Health, Integration, Uses
from aforo.integrations.opening import Reach
from aforo.integrations.service import Integrations, InUseBy
from aforo.integrations.sql import IntegrationStore

__all__ = ["Health", "InUseBy", "Integration", "IntegrationStore", "Integrations", "PartMissing", "Reach", "Uses"]
