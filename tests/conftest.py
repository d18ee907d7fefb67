"""Settings of every test: Hypothesis has no deadline, since a shared machine is slow at times."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("porter", deadline=None)
settings.load_profile("porter")
