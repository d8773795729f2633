"""Lists of a million cells (lists.py)."""

import lists

lists.run(1_000_000)
