"""How many cases the generated tests try: a handful on every run, many more in `make check-long`."""

import os

from hypothesis import settings

settings.register_profile("short", max_examples=25, deadline=None)
settings.register_profile("long", max_examples=500, deadline=None)
settings.load_profile(os.environ.get("AFORO_HYPOTHESIS", "short"))
