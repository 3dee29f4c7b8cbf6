"""Settings of the unit tests."""

from hypothesis import settings

# How long an example takes says nothing on a machine that does other things too.
settings.register_profile("fluxhooks", deadline=None)
settings.load_profile("fluxhooks")
