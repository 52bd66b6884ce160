"""An import contract: only a room imports its inner modules, everybody else enters at its package.

`aforo.catalog` is a door, `aforo.catalog.sql` is not. `without_door` names packages that are open on purpose (the SDK
and the kit are imported file by file; gateways have contracts of their own), `free_importers` those that may look
everywhere, such as the one that wires the rooms together.
"""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class FrontDoor(Contract):
    """Holds for every child of the root package, so that a new room needs no entry."""

    type_name = "front_door"

    without_door = fields.SetField(subfield=fields.StringField())
    free_importers = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        del verbose
        free = set(_names(self.free_importers))
        doors = {root for name in graph.modules if (root := _room(name))} - set(_names(self.without_door)) - free
        breaches = sorted(
            (importer, inner)
            for door in doors
            for inner in graph.find_descendants(door)
            for importer in graph.find_modules_that_directly_import(inner)
            if _room(importer) not in {door, *free}
        )
        return ContractCheck(kept=not breaches, metadata={"breaches": breaches})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, inner in check.metadata["breaches"]:
            output.print_error(f"{importer} imports {inner}: take it from {_room(inner)}", bold=False)


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, set) else []


def _room(module: str) -> str:
    """The room that a module belongs to, such as `aforo.catalog`; empty for the root and for other packages."""
    root, _, rest = module.partition(".")
    return f"{root}.{rest.partition('.')[0]}" if root == "aforo" and rest else ""
