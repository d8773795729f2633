"""Lists of 5,000 cells (lists.py)."""

import lists

lists.run(5_000)
