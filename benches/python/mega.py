"""Method calls on objects of eight classes in random order (shapes.py)."""

from common import read_size
from shapes import shapes_make, shapes_run

print(shapes_run(shapes_make(8), read_size(2_000_000)))
