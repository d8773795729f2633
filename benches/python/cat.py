"""Copies its input to its output, byte for byte."""

import sys

while byte := sys.stdin.buffer.read(1):
    sys.stdout.buffer.write(byte)
