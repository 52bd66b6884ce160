"""How many cases the generated tests try: a handful on every run, many more in `make check-long`.

And what takes long and is always the same is done once: the console's templates, the certificates of HTTP clients.
"""

import functools
import os
from collections.abc import Iterator

import httpcore2
import jinja2
import pytest
from hypothesis import settings

from aforo.app.web import render

settings.register_profile("short", max_examples=25, deadline=None)
settings.register_profile("long", max_examples=500, deadline=None)
settings.load_profile(os.environ.get("AFORO_HYPOTHESIS", "short"))


@pytest.fixture(scope="session", autouse=True)
def _read_certificates() -> Iterator[None]:
    """Every HTTP client of this process that asks for no certificates of its own shares those of the library; reading
    them takes 30 ms, and most clients here live for one call on loopback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore2, "default_ssl_context", functools.cache(httpcore2.default_ssl_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def _compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every console of this process shares compiled templates; compiling a page's takes 0.4 s."""
    kept = jinja2.FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "Environment", functools.partial(jinja2.Environment, bytecode_cache=kept))
        yield
