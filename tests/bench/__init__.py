"""Benchmarks: `python -m tests.bench` prints a table and writes JSON. Ratios within one run, never a timed assertion.

Absolute times move with the machine, so that every figure stands beside a floor measured in the same run.
"""
