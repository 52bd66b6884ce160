"""Apigee's JSON ⇄ our values: canonical form, keys, products, bodies. Pure."""

from aforo.gateways.apigee.mapping.bodies import Document, new_rate_plan, overlaid, unmet
from aforo.gateways.apigee.mapping.canonical import RULES, Rule, entity_fields
from aforo.gateways.apigee.mapping.marks import MARK, is_of_a_plan
from aforo.gateways.apigee.mapping.operations import GROUPS
from aforo.gateways.apigee.mapping.products import is_monetized, notes, product, products, rate_plan, version
from aforo.gateways.apigee.mapping.trees import Row

__all__ = [
    "GROUPS",
    "MARK",
    "RULES",
    "Document",
    "Row",
    "Rule",
    "entity_fields",
    "is_monetized",
    "is_of_a_plan",
    "new_rate_plan",
    "notes",
    "overlaid",
    "product",
    "products",
    "rate_plan",
    "unmet",
    "version",
]
