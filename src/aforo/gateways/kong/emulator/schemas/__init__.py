"""The schemas of Kong OSS 3.9.3's entities and bundled plugins, as facts in this project's own notation.

`vocabulary` has the words, `parts` what several plugins share, the other files the schemas themselves, by what the
plugins are for. A test compares every one of them, as JSON values, with what a real node answered.
"""

from . import certificates, code, logging, metrics, models, sign_in, traffic, transformation
from .entities import ENTITIES
from .vocabulary import Schema

PLUGINS: dict[str, Schema] = {
    name: schema
    for group in (certificates, code, logging, metrics, models, sign_in, traffic, transformation)
    for name, schema in group.PLUGINS.items()
}

__all__ = ["ENTITIES", "PLUGINS", "Schema"]
