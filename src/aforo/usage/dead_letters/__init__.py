"""Refused events with the reason, to be looked at and sent again."""

from aforo.usage.dead_letters.letter import Letter
from aforo.usage.dead_letters.replay import Replayed, replay
from aforo.usage.dead_letters.store import DeadLetters, LetterQuery

__all__ = ["DeadLetters", "Letter", "LetterQuery", "Replayed", "replay"]
