"""Behaviours of a gateway whose products Aforo reads, compares and puts back."""

from collections.abc import Iterable
from dataclasses import replace

from aforo.gateway_sdk.conformance.bench import Behaviour, Bench, Broken, expect
from aforo.gateway_sdk.contract import Action, Entity, Gateway, Product, Step, Verdict
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateway_sdk.manifest import Capability
from aforo.kit.jsontree import ABSENT, Absent, Json, at, leaves, put, same


async def _refuses_wrong_secrets(bench: Bench) -> None:
    connection = bench.connection({})
    way = bench.entry.manifest.sign_in(connection.sign_in)
    expect(way is not None, f"the manifest has no sign-in {connection.sign_in}")
    secrets = [field for field in (way.fields if way else ()) if field.secret and connection.settings.get(field.name)]
    for field in secrets:
        async with bench.gateway({field.name: _spoilt(connection.settings[field.name])}) as gateway:
            checks = [check async for check in gateway.check()]
        expect(any(check.verdict is Verdict.FAILED for check in checks), f"a wrong {field.name} passes the test")
        told = " ".join(f"{check.detail} {check.next_step}" for check in checks)
        expect(connection.settings[field.name] not in told, f"the test shows {field.name}")


async def _tests_itself(bench: Bench) -> None:
    async with bench.gateway() as gateway:
        checks = [check async for check in gateway.check()]
        await gateway.ping()
    failed = [f"{check.name}: {check.detail}" for check in checks if check.verdict is Verdict.FAILED]
    expect(not failed, f"checks failed: {failed}")
    expect(len(checks) >= 3, "a connection test tells at least three steps")
    expect(len({check.name for check in checks}) == len(checks), "two lines of the test bear one name")


async def _finds_each_product_once(bench: Bench) -> None:
    products = await bench.products()
    expect(len(products) >= 2, "there are fewer than two products")
    expect(len({one.ref for one in products}) == len(products), "two products share a ref")
    expect(len({one.native_id for one in products}) == len(products), "two products share a native id")


async def _captures_known_kinds(bench: Bench) -> None:
    known = {kind.name for kind in bench.entry.manifest.kinds}
    for product in await bench.products():
        kinds = {entity.kind for entity in product.entities}
        expect(bool(kinds), f"{product.ref} has no entities")
        expect(kinds <= known, f"{product.ref} has kinds that the manifest does not list: {sorted(kinds - known)}")
        keys = [(entity.kind, entity.key) for entity in product.entities]
        expect(len(set(keys)) == len(keys), f"{product.ref} has two entities with one key")


async def _reads_the_same_twice(bench: Bench) -> None:
    first, second = await bench.products(), await bench.products()
    expect(_digests(first) == _digests(second), "two discoveries of an untouched gateway differ")


async def _reads_one_as_it_was_listed(bench: Bench) -> None:
    products = await bench.products()
    async with bench.gateway() as gateway:
        for product in products[:3]:
            read = await gateway.read(product)
            expect(read is not None, f"{product.ref} was listed, and is not found when read alone")
            expect(read is not None and _digests([read]) == _digests([product]), f"{product.ref} reads unlike listed")


async def _tells_what_is_gone(bench: Bench) -> None:
    product = (await bench.products())[0]
    ghost = replace(product, ref=f"{product.ref}-{bench.tag}-gone", native_id=_ghost_of(product.native_id), name="gone")
    async with bench.gateway() as gateway:
        expect(await gateway.read(ghost) is None, "a product that does not exist is read as if it did")


async def _shows_one_edit_once(bench: Bench) -> None:
    product, kind, pointer = await _editable(bench)
    async with bench.gateway() as gateway:
        edited = _edited(product, kind, pointer)
        await _write(gateway, edited, product, kind, pointer)
        try:
            read = await gateway.read(product)
            found = _differences(product, read)
            entity = _entity(product, kind)
            expect(found == [(kind, entity.key, pointer)], f"one edit of {kind}{pointer} reads as {found}")
        finally:
            now = await gateway.read(product)
            if now is not None and _differences(product, now):
                await _write(gateway, product, now, kind, pointer)


async def _puts_back_only_what_differs(bench: Bench) -> None:
    product, kind, pointer = await _editable(bench)
    async with bench.gateway() as gateway:
        others = _digests(one for one in await bench.products() if one.ref != product.ref)
        edited = _edited(product, kind, pointer)
        await _write(gateway, edited, product, kind, pointer)
        live = await gateway.read(product)
        expect(live is not None, "the product is gone after an edit of one field")
        if live is not None:
            await _write(gateway, product, live, kind, pointer)
        read = await gateway.read(product)
    expect(_differences(product, read) == [], "a restored product differs from its record")
    expect(_digests(one for one in await bench.products() if one.ref != product.ref) == others, "others were touched")


async def _says_no_in_its_own_words(bench: Bench) -> None:
    product, kind, pointer = await _editable(bench)
    broken = replace(_entity(product, kind), native_id=_ghost_of(_entity(product, kind).native_id))
    gone = replace(product, native_id=_ghost_of(product.native_id), ref=f"{product.ref}-{bench.tag}-gone")
    step = Step(Action.UPDATE, kind, broken.key, broken, broken, {pointer: _other(at(broken.fields, pointer))})
    reported: list[Step] = []
    async with bench.gateway() as gateway:
        try:
            await gateway.apply(gone, gone, [step], reported.append)
        except GatewayError as fault:
            expect(bool(fault.detail), "a refused write has no words")
            expect(not reported, "a refused write was reported as done")
            return
    raise Broken("writing to an object that does not exist was reported as done")


WATCHING = (
    Behaviour(Capability.SIGN_IN, "a wrong secret fails the test and is not shown", _refuses_wrong_secrets),
    Behaviour(Capability.TEST, "the connection test passes, line by line", _tests_itself),
    Behaviour(Capability.DISCOVER, "every product is found once", _finds_each_product_once),
    Behaviour(Capability.CAPTURE, "entities are of known kinds, each with one key", _captures_known_kinds),
    Behaviour(Capability.DIFF, "an untouched gateway reads the same twice", _reads_the_same_twice),
    Behaviour(Capability.IMPORT, "a product read alone equals the one that was listed", _reads_one_as_it_was_listed),
    Behaviour(Capability.IMPORT, "what is gone is told as gone", _tells_what_is_gone),
    Behaviour(Capability.DRIFT, "one edit is one difference", _shows_one_edit_once),
    Behaviour(Capability.RESTORE, "one field is put back, and nothing else is touched", _puts_back_only_what_differs),
    Behaviour(Capability.RESTORE, "a write to what is gone is an error with words", _says_no_in_its_own_words),
)


def _digests(products: Iterable[Product]) -> list[tuple[str, str, str]]:
    return sorted((one.ref, one.spec_digest or "", one.config_digest) for one in products)


async def _editable(bench: Bench) -> tuple[Product, str, str]:
    kind, pointer = bench.entry.manifest.harmless_field
    for product in await bench.products():
        if any(entity.kind == kind for entity in product.entities):
            return product, kind, pointer
    raise Broken(f"no product has a {kind}, which the manifest names as the one that may be edited")


def _entity(product: Product, kind: str) -> Entity:
    return next(entity for entity in product.entities if entity.kind == kind)


def _edited(product: Product, kind: str, pointer: str) -> Product:
    entity = _entity(product, kind)
    fields = dict(entity.fields)
    put(fields, pointer, _other(at(entity.fields, pointer)))
    changed = replace(entity, fields=fields)
    return replace(product, entities=tuple(changed if one is entity else one for one in product.entities))


async def _write(gateway: Gateway, wanted: Product, live: Product, kind: str, pointer: str) -> None:
    target, found = _entity(wanted, kind), _entity(live, kind)
    step = Step(Action.UPDATE, kind, target.key, target, found, {pointer: at(target.fields, pointer)})
    done: list[Step] = []
    await gateway.apply(wanted, live, [step], done.append)
    expect(done == [step], "a write that succeeded was not reported")


def _differences(before: Product, after: Product | None) -> list[tuple[str, str, str]]:
    if after is None:
        return [("product", before.ref, "")]
    found = []
    for entity in before.entities:
        live = after.entity(entity.kind, entity.key)
        if live is None:
            found.append((entity.kind, entity.key, ""))
            continue
        ours, theirs = dict(leaves(entity.wished())), dict(leaves(live.wished()))
        found += [
            (entity.kind, entity.key, pointer)
            for pointer in sorted(ours.keys() | theirs.keys())
            if not same(ours.get(pointer, ABSENT), theirs.get(pointer, ABSENT))
        ]
    return found + [
        (entity.kind, entity.key, "") for entity in after.entities if before.entity(entity.kind, entity.key) is None
    ]


def _other(value: Json | Absent) -> Json:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return f"{value} (checked)" if isinstance(value, str) and value else "checked"


def _spoilt(secret: str) -> str:
    """As long and of the same letters, so that it is refused for being wrong rather than for its looks."""
    middle = len(secret) // 2
    return secret[:middle] + ("a" if secret[middle] != "a" else "b") + secret[middle + 1 :]


def _ghost_of(native_id: str) -> str:
    """An id of the same form that no object has: its letters and digits turned around."""
    turned = {**{str(n): str(9 - n) for n in range(10)}, **dict(zip("abcdef", "fedcba", strict=True))}
    return "".join(turned.get(letter, letter) for letter in native_id)
