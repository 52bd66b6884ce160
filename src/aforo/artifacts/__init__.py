"""What runs inside gateways: deployed, attached, verified, switched and detached from the control plane."""

from aforo.artifacts.model import Mode
from aforo.artifacts.room import ArtifactsRoom, Outside, open_room
from aforo.artifacts.service.parts import Denials, Place, Switches

__all__ = ["ArtifactsRoom", "Denials", "Mode", "Outside", "Place", "Switches", "open_room"]
