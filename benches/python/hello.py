"""Greets."""

print("Hello, world!")
