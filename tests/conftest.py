"""How every test runs: hypothesis without deadlines, and the same examples every time where CI asks for it."""

import os

from hypothesis import settings

settings.register_profile("headwater", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("headwater")
