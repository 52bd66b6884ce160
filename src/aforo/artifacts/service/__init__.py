"""What this room does."""

from aforo.artifacts.service.artifacts import Artifacts
from aforo.artifacts.service.parts import Opens, Parts, Switches
from aforo.artifacts.service.switching import Switching
from aforo.artifacts.service.verifying import Verifying

__all__ = ["Artifacts", "Opens", "Parts", "Switches", "Switching", "Verifying"]
