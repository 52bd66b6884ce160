"""Kong's JSON ⇄ our values: schemas, canonical form, keys, products. Pure."""

from aforo.gateways.kong.mapping.bodies import (
    REFERENCES,
    Ids,
    changed_references,
    creation,
    differences,
    keeping_our_tag,
    native_ids,
    patch,
    replacement,
    wanted,
)
from aforo.gateways.kong.mapping.canonical import ARTIFACT, MARK, MONETIZED, RULES, THIS, Canon, Rule, map_around
from aforo.gateways.kong.mapping.keys import consumer_key, route_key
from aforo.gateways.kong.mapping.moves import PARENTS, new_owner, refusal
from aforo.gateways.kong.mapping.products import Joined, Tables, notes, products, recorded_upstream, reference
from aforo.gateways.kong.mapping.schema import UNKNOWN, Row, Schema, entity_schema, plugin_schema

__all__ = [
    "ARTIFACT",
    "MARK",
    "MONETIZED",
    "PARENTS",
    "REFERENCES",
    "RULES",
    "THIS",
    "UNKNOWN",
    "Canon",
    "Ids",
    "Joined",
    "Row",
    "Rule",
    "Schema",
    "Tables",
    "changed_references",
    "consumer_key",
    "creation",
    "differences",
    "entity_schema",
    "keeping_our_tag",
    "map_around",
    "native_ids",
    "new_owner",
    "notes",
    "patch",
    "plugin_schema",
    "products",
    "recorded_upstream",
    "reference",
    "refusal",
    "replacement",
    "route_key",
    "wanted",
]
