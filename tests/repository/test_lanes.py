"""`scripts/lanes` tells the truth: a lane that fails, finds no test or is left out in CI never ends in success."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("bash", "dirname", "mktemp", "rm", "tee", "grep", "awk", "id")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own with the real script, this interpreter's pytest, and no browser or package tool in reach."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "lanes", tmp_path / "scripts")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naddopts = "-q -p no:cacheprovider"\n'
        'markers = ["browser: a browser", "conformance: an emulator", "long: slow"]\n'
    )
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for program in PROGRAMS:
        found = shutil.which(program)
        assert found, program
        (programs / program).symlink_to(found)
    pytest_here = programs / "pytest"
    pytest_here.write_text(f'#!{shutil.which("bash")}\nexec "{sys.executable}" -m pytest -p xdist "$@"\n')
    pytest_here.chmod(0o755)
    return tmp_path


def test_the_last_line_sums_up_all_lanes(project: Path) -> None:
    _write(
        project, "def test_one(): pass", "@pytest.mark.conformance\ndef test_two(): pass", "def test_no(): assert False"
    )
    _write(project, "@pytest.mark.skip(reason='shown')\ndef test_later(): pass", name="test_more.py")
    told = _lanes(project, "unit", "conformance")
    assert told.returncode == 1
    assert told.stdout.splitlines()[-2:] == ["failed: unit", "2 passed, 1 failed, 1 skipped"]


def test_lanes_that_pass_end_in_success(project: Path) -> None:
    _write(project, "def test_one(): pass")
    told = _lanes(project, "unit")
    assert (told.returncode, told.stdout.splitlines()[-1]) == (0, "1 passed, 0 failed, 0 skipped")


def test_a_test_file_that_cannot_be_read_counts_as_failed(project: Path) -> None:
    _write(project, "import a_module_that_is_not_there")
    told = _lanes(project, "unit")
    assert (told.returncode, told.stdout.splitlines()[-1]) == (1, "0 passed, 1 failed, 0 skipped")


def test_a_lane_without_any_test_fails(project: Path) -> None:
    _write(project, "def test_one(): pass")
    told = _lanes(project, "conformance")
    assert told.returncode == 1
    assert "failed: conformance" in told.stdout


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_a_browser_lane_without_browser_names_the_remedy_and_fails_in_ci(project: Path, ci: str, status: int) -> None:
    _write(project, "def test_one(): pass")
    told = _lanes(project, "unit", "browser", ci=ci)
    assert "apt-get install -y --no-install-recommends chromium" in told.stdout
    assert "left out: browser" in told.stdout.splitlines()
    assert told.returncode == status


def _write(project: Path, *tests: str, name: str = "test_some.py") -> None:
    (project / name).write_text("\n\n".join(["import pytest", *tests, ""]))


def _lanes(project: Path, *lanes: str, ci: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script with nothing on the PATH but what the project brings."""
    programs = project / ".venv" / "bin"
    return subprocess.run(
        [programs / "bash", project / "scripts" / "lanes", *lanes],
        env={
            "PATH": str(programs),
            "CI": ci,
            "HOME": os.fspath(project),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
