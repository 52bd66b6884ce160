"""Generated products: entities with nested fields, defaults and native ids."""

from dataclasses import replace

from hypothesis import strategies as st

from aforo.gateway_sdk.contract import Entity, Product
from aforo.gateway_sdk.manifest import EntityKind
from aforo.kit.jsontree import Json

KINDS = (
    EntityKind("service", "Service"),
    EntityKind("route", "Route", foreign_is_drift=True),
    EntityKind("plugin", "Plugin", foreign_is_drift=True),
    EntityKind("tag", "Tag"),
)

names = st.text("abcdefg-/~", min_size=1, max_size=4)
scalars: st.SearchStrategy[Json] = st.one_of(
    st.booleans(), st.integers(-5, 5), st.sampled_from(["", "x", "y/z", "~"]), st.floats(-2, 2, allow_nan=False)
)
values: st.SearchStrategy[Json] = st.recursive(
    st.one_of(scalars, st.lists(scalars, min_size=1, max_size=3)),
    lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3),
    max_leaves=6,
)
fields = st.dictionaries(names, values, min_size=1, max_size=4)


@st.composite
def entities(draw: st.DrawFn, kind: str, number: int) -> Entity:
    return Entity(kind, f"{kind}-{number}", f"id-{kind}-{number}", draw(fields))


@st.composite
def products(draw: st.DrawFn) -> Product:
    made: list[Entity] = []
    for kind in KINDS:
        count = draw(st.integers(0 if kind.name != "service" else 1, 2))
        made += [draw(entities(kind.name, number)) for number in range(count)]
    return Product("shop", "id-shop", "shop", "v1", tuple(made))


def with_entity(product: Product, changed: Entity) -> Product:
    """The product with one entity replaced, found by kind and key."""
    kept = [changed if (e.kind, e.key) == (changed.kind, changed.key) else e for e in product.entities]
    return replace(product, entities=tuple(kept))


def renumbered(product: Product) -> Product:
    """The same content under other native ids and in another order, as after a re-creation."""
    fresh = [replace(entity, native_id=f"new-{entity.native_id}") for entity in reversed(product.entities)]
    return replace(product, native_id="new-id", entities=tuple(fresh))
