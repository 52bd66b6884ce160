"""Rules that the tree as a whole keeps. What git tracks, or would track, is what counts."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LARGEST_BYTES = 512 * 1024
PAGE_LINES = 80
GATEWAY_PAGE_LINES = 150  # a gateway's page is the how-to that the docs show: connecting, rights, limits, choices

# Put together from parts, since this file is searched as well.
INDEX_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs"),
        ("registry", "yarnpkg"),
        ("deb", "debian", "org"),
        ("conda", "anaconda", "org"),
    )
]
MACHINE_FOLDERS = ("work", "farm", "root", "home", "Users", "tmp")
MACHINE_PATH = re.compile(rf"(?<![\w./~$*(){{}}-])/(?:{'|'.join(MACHINE_FOLDERS)})/[\w.]")
FETCHED_BY_A_PAGE = re.compile(
    r"""(?:<script[^>]+src|<link[^>]+href|<img[^>]+src|@import|url\()\s*=?\s*(?:url\()?["']?(?:https?:)?//""",
    re.IGNORECASE,
)
THIRD_PARTY_NAMES = re.compile(
    r"(?:\.min\.(?:js|css)|\.woff2?|\.ttf|\.otf|\.eot|\.whl|\.jar|\.so|\.exe)$|(?:^|/)(?:vendor|third_party|node_modules)/"
)
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


@cache
def files() -> list[Path]:
    """Every file that is tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@cache
def texts() -> dict[str, str]:
    """The text files by their name below the root."""
    found: dict[str, str] = {}
    for path in files():
        raw = path.read_bytes()
        if b"\0" not in raw[:8192]:
            found[path.relative_to(ROOT).as_posix()] = raw.decode("utf-8")
    return found


def rooms() -> list[str]:
    """Folders of the package that hold code, and each gateway's."""
    package = ROOT / "src" / "aforo"
    folders = [*package.iterdir(), *(package / "gateways").iterdir()]
    tracked = set(files())
    return sorted(
        folder.relative_to(ROOT).as_posix()
        for folder in folders
        if folder.name != "gateways" and any(path.stem != "__init__" for path in tracked & set(folder.glob("*.py")))
    )


def test_git_lists_the_tree_so_that_the_rules_below_look_at_something() -> None:
    assert "pyproject.toml" in texts()
    assert "src/aforo/kit" in rooms()


def test_no_file_names_a_package_index() -> None:
    assert [(name, host) for name, text in texts().items() for host in INDEX_HOSTS if host in text.lower()] == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    found = [(name, hit.group()) for name, text in texts().items() for hit in MACHINE_PATH.finditer(text)]
    assert found == []


@pytest.mark.parametrize("planted", ["/work" + "/main/x", '"/root' + '/.cache"', "cd /home" + "/ann"])
def test_a_path_of_a_machine_is_recognised(planted: str) -> None:
    assert MACHINE_PATH.search(planted)


@pytest.mark.parametrize(
    "innocent", ["src/work/x", "https://host.example/home/x", "$(DATA)/tmp/x", "/homes", "a /worker/ path"]
)
def test_a_path_of_no_machine_is_let_be(innocent: str) -> None:
    assert not MACHINE_PATH.search(innocent)


def test_no_page_fetches_anything_from_another_host() -> None:
    pages = {name: text for name, text in texts().items() if name.endswith((".html", ".css", ".svg", ".js", ".md"))}
    assert [name for name, text in pages.items() if FETCHED_BY_A_PAGE.search(text)] == []


def test_nothing_third_party_is_copied_into_the_tree() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in files()]
    assert [name for name in names if THIRD_PARTY_NAMES.search(name)] == []


def test_no_file_is_larger_than_half_a_megabyte() -> None:
    sizes = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in files()}
    assert {name: size for name, size in sizes.items() if size > LARGEST_BYTES} == {}


@pytest.mark.parametrize("room", rooms())
def test_a_room_explains_itself_on_one_page(room: str) -> None:
    readme = ROOT / room / "README.md"
    assert readme.is_file(), f"{room} has no README.md"
    most = GATEWAY_PAGE_LINES if room.startswith("src/aforo/gateways/") else PAGE_LINES
    assert 3 <= len(readme.read_text().splitlines()) <= most


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_every_package_by_hash_and_names_no_index(lock: Path) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^\s*#.*\n?", "", lock.read_text()).strip())
    assert len(entries) > 10
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9,-]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert not re.search(r"(?m)--(?:extra-)?index-url|--find-links|https?://", lock.read_text())


def test_every_dependency_is_locked_and_has_its_reason() -> None:
    wanted = _names(_text("requirements/run.in"))
    first_cells = re.findall(r"(?m)^\| (`[^|]+) \|", _text("docs/explanation/dependencies.md"))
    assert wanted <= _names(_text("requirements/run.txt"))
    assert wanted == _names("\n".join(name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)))


def test_the_package_and_the_lock_ask_for_the_same_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    build_backend = {"hatchling", "editables"}
    assert _names("\n".join(project["dependencies"])) == _names(_text("requirements/run.in")) - build_backend


def _text(name: str) -> str:
    return (ROOT / name).read_text()


def _names(requirements: str) -> set[str]:
    """The packages that lines of a requirement file start with, without extras and versions."""
    return set(re.findall(r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]*)", requirements))
