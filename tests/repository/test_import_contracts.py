"""Every import contract of pyproject.toml is kept by the tree, and is proven to bite by one planted breach."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


@dataclass(frozen=True)
class Breach:
    """A forbidden import at the end of `module`; both are made where the tree does not have them."""

    contract: str
    module: str
    imported: str


BREACHES = [
    Breach("Rooms import downwards only", "aforo.catalog", "aforo.gateways.kong"),
    Breach("Rooms import downwards only", "aforo.kit.planted", "aforo.gateway_sdk.manifest"),
    Breach("Rooms import downwards only", "aforo.a_room_that_nobody_listed", "aforo.kit.clock"),
    Breach("Gateways see only the gateway SDK and the kit", "aforo.gateways.kong.planted", "aforo.catalog"),
    Breach("Gateways do not know one another", "aforo.gateways.kong.planted", "aforo.gateways.aws"),
    Breach("Rooms enter each other by the front door", "aforo.catalog.planted", "aforo.accounts.model"),
    Breach("Rules, models and contracts do no I/O", "aforo.catalog.rules", "sqlalchemy"),
    Breach("Rules, models and contracts do no I/O", "aforo.gateways.aws.mapping", "boto3"),
    Breach(
        "Emulators never import artifact or connector code",
        "aforo.gateways.kong.emulator",
        "aforo.gateways.kong.connector",
    ),
    Breach(
        "Emulators never import artifact or connector code",
        "aforo.gateways.aws.emulator",
        "aforo.gateways.aws.artifact",
    ),
]


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """A copy of the package, its contracts and the contract type of our own."""
    quiet = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "aforo", tmp_path / "src" / "aforo", ignore=quiet)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=quiet)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    yield tmp_path
    shutil.rmtree(tmp_path)


def test_the_tree_keeps_every_import_contract(tree: Path) -> None:
    told = _lint_imports(tree)
    assert told.returncode == 0, told.stdout + told.stderr
    assert " 0 broken" in told.stdout


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"{breach.module} imports {breach.imported}")
def test_a_forbidden_import_breaks_its_contract(tree: Path, breach: Breach) -> None:
    _plant(tree / "src", breach)
    told = _lint_imports(tree)
    assert told.returncode == 1, told.stdout + told.stderr
    assert f"{breach.contract} BROKEN" in told.stdout


def test_every_contract_has_a_planted_breach() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {contract["name"] for contract in contracts} == {breach.contract for breach in BREACHES}


def _plant(source: Path, breach: Breach) -> None:
    if breach.imported.startswith("aforo."):
        _file(source, breach.imported)
    with _file(source, breach.module).open("a") as file:
        file.write(f"import {breach.imported}\n")


def _file(source: Path, module: str) -> Path:
    """The module's file; a package, and packages on the way to it, are made if the tree does not have them."""
    path = source.joinpath(*module.split("."))
    if (plain := path.with_suffix(".py")).exists():
        return plain
    path.mkdir(parents=True, exist_ok=True)
    for package in [path, *path.parents]:
        if package == source:
            break
        (package / "__init__.py").touch()
    return path / "__init__.py"


def _lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS],
        cwd=tree,
        env={"PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
