"""The functions' files as Lambda has them: loaded on their own, with the settings that a deployment gives them."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

import aforo.gateways.aws as room


def uploaded(kind: str) -> Any:
    """A fresh copy of the module, as a new container loads it."""
    path = Path(room.__file__).parent / "templates" / f"{kind}.py"
    spec = importlib.util.spec_from_file_location(f"uploaded_{kind}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def configure(environment: pytest.MonkeyPatch, edge_url: str, **more: str) -> None:
    """One stage, abc/prod, is sold."""
    settings = {
        "AFORO_EDGE_URL": edge_url, "AFORO_API_KEY": "sk_live_x", "AFORO_INTEGRATION_ID": "int_1",
        "AFORO_PRODUCTS": '{"abc/prod":["prod_1","api_calls"]}', **more,
    }  # fmt: skip
    for name, value in settings.items():
        environment.setenv(name, value)
