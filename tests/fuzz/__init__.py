"""Texts nobody thought of: what texts are made of here, and the doors they are sent to.

`python -m tests.fuzz` lets Atheris search for a text that breaks a promise, `python -m tests.fuzz.slow` for the one
that costs most.
"""
