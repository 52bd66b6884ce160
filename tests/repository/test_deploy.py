"""The examples under deploy/ name commands, settings, ports and files that are there."""

import re

import pytest
import yaml

from aforo.app.settings import Settings
from tests.repository.documents import ROOT

DEPLOY = ROOT / "deploy"
FILES = ("systemd/aforo.service", "docker/Dockerfile", "docker/compose.yaml")


@pytest.mark.parametrize("file", FILES)
def test_every_setting_in_it_is_one(file: str) -> None:
    named = set(re.findall(r"\bAFORO_([A-Z_]+)", (DEPLOY / file).read_text()))
    assert named
    assert {name.lower() for name in named} <= set(Settings.model_fields)


@pytest.mark.parametrize("file", ["systemd/aforo.service", "docker/Dockerfile"])
def test_it_runs_the_program_by_a_command_that_is_there(file: str) -> None:
    text = (DEPLOY / file).read_text()
    assert re.search(r'bin/aforo serve --data-dir|\["aforo", "serve"\]', text)


def test_ports_are_the_defaults_and_what_is_copied_into_the_image_exists() -> None:
    dockerfile = (DEPLOY / "docker/Dockerfile").read_text()
    ports = {str(Settings.model_fields[name].default) for name in ("port", "edge_port")}
    assert {port for told in re.findall(r"(?m)^EXPOSE (.*)$", dockerfile) for port in told.split()} == ports
    service = yaml.safe_load((DEPLOY / "docker/compose.yaml").read_text())["services"]["aforo"]
    assert {told.rpartition(":")[2] for told in service["ports"]} == ports
    for line in re.findall(r"(?m)^COPY (.*) \S+$", dockerfile):
        assert all((ROOT / name).exists() for name in line.split()), line


def test_the_unit_has_the_sections_that_systemd_reads() -> None:
    unit = (DEPLOY / "systemd/aforo.service").read_text()
    assert re.findall(r"(?m)^\[(\w+)\]$", unit) == ["Unit", "Service", "Install"]
    assert not [line for line in unit.splitlines() if line and not re.match(r"#|\[|[A-Z]\w+=", line)]
