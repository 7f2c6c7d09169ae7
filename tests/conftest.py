"""What all tests share: the same generated examples at every run, unless FASTEM_EXPLORE is set."""

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True)
settings.load_profile("default" if os.environ.get("FASTEM_EXPLORE") else "same")
