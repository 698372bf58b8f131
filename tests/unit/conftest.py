"""Property tests find the same examples on a slow machine as on a fast one."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("axiom", deadline=None)
settings.load_profile("axiom")
