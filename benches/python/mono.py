"""Method calls on objects of one class (shapes.py)."""

from common import read_size
from shapes import shapes_make, shapes_run

print(shapes_run(shapes_make(1), read_size(2_000_000)))
