"""The same as fib.py: where the stack is makes no difference here."""

from common import read_size
from fib import fib

print(fib(read_size(32)))
