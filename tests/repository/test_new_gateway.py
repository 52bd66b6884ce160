"""`make new-gateway` makes a gateway that registry, linters, contracts and conformance suite take without an edit."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.new_gateway import scaffold

ROOT = Path(__file__).resolve().parents[2]
LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
SHOWN = 7
"""Behaviours of the capabilities that a scaffold says `yes` to; one more test reads its manifest."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the tools look at, with one gateway more. The tree itself is never written to."""
    copy = tmp_path_factory.mktemp("project")
    quiet = shutil.ignore_patterns("__pycache__")
    for folder in ("src", "scripts", "tests/gateways", "docs"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=quiet)
    for file in ("pyproject.toml", "Makefile", "tests/conftest.py", "tests/live.py", "tests/shared_facts.py"):
        shutil.copy(ROOT / file, copy / file)
    told = _run(copy, "scripts/new_gateway.py", "tyk", "Tyk Gateway")
    assert told.returncode == 0, told.stderr
    assert "src/aforo/gateways/tyk/manifest.py" in told.stdout
    return copy


def test_the_conformance_suite_finds_it_and_it_passes(project: Path) -> None:
    told = _run(project, "-m", "pytest", "-p", "no:cacheprovider", "tests/gateways/test_conformance.py", "-k", "tyk")
    assert told.returncode == 0, told.stdout
    assert f"{SHOWN + 2} passed" in told.stdout


@pytest.mark.long
def test_a_gateway_that_breaks_a_promise_is_caught(project: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(project, broken)
    mapping = broken / "src/aforo/gateways/tyk/mapping.py"
    text = mapping.read_text()
    mapping.write_text(text.replace('row["name"], row["id"], row["name"]', '"all", row["id"], row["name"]'))
    assert mapping.read_text() != text
    told = _run(broken, "-m", "pytest", "-p", "no:cacheprovider", "tests/gateways/test_conformance.py", "-k", "tyk")
    assert told.returncode == 1
    assert "two products share a ref" in told.stdout


def test_it_is_linted_formatted_and_within_the_import_contracts(project: Path) -> None:
    made = "src/aforo/gateways/tyk"
    for told in (
        _run(project, "-m", "ruff", "check", made),
        _run(project, "-m", "ruff", "format", "--check", made),
        _run(project, "-c", LINT_IMPORTS),
    ):
        assert told.returncode == 0, told.stdout + told.stderr


def test_its_types_are_strict(project: Path) -> None:
    told = _run(project, "-m", "mypy", "--follow-imports=silent", "src/aforo/gateways/tyk")
    assert told.returncode == 0, told.stdout + told.stderr


def test_its_pages_and_its_readme_are_there_and_no_mark_of_the_template_is_left(project: Path) -> None:
    told = _run(project, "-c", "from scripts.docs_pages import pages; print(pages()['how-to/connect-tyk.md'])")
    assert "# Connect Tyk Gateway" in told.stdout, told.stderr
    made = list((project / "src/aforo/gateways/tyk").rglob("*.*"))
    left = [path for path in made if "__pycache__" not in path.parts and _marks(path.read_text())]
    assert left == []


@pytest.mark.parametrize("name", ["", "Tyk", "my-gateway", "../up", "import", "9lives", "a" * 21])
def test_a_name_that_is_no_package_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="such as NAME=tyk"):
        scaffold(name, "Some", tmp_path)
    assert list(tmp_path.rglob("*")) == []


def test_a_gateway_that_is_there_is_never_written_over() -> None:
    with pytest.raises(ValueError, match="already"):
        scaffold("kong", "Kong")


def _marks(text: str) -> list[str]:
    return [mark for mark in ("__KEY__", "__NAME__", "__UPPER__", "__PORT__") if mark in text]


def _run(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """This interpreter, in the copy, whose package goes before the installed one."""
    path = os.pathsep.join([str(project / "src"), str(project)])
    return subprocess.run(
        [sys.executable, *words],
        cwd=project,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
