"""What the app of each test would compile anew, and has from the first one: templates, and builders of addresses.

Thousands of apps are made in a run; of the 120 ms that one takes, Werkzeug spends 100 on compiling its 130 rules.
"""

from collections.abc import Callable
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule


class Templates(BytecodeCache):
    """Compiled templates, by name and source."""

    def __init__(self) -> None:
        self.code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.code:
            bucket.bytecode_from_string(self.code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.code[bucket.key] = bucket.bytecode_to_string()


_templates = Templates()
_builders: dict[Any, Callable[..., tuple[str, str]]] = {}
_compile = Rule._compile_builder


def _once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    # The builder holds nothing of its rule, which Werkzeug binds to it afterwards.
    key = (rule.rule, rule.subdomain, rule.host, str(rule.defaults), rule.merge_slashes, append_unknown)
    if key not in _builders:
        _builders[key] = _compile(rule, append_unknown)
    return _builders[key]


Rule._compile_builder = _once  # type: ignore[method-assign]


def share(app: Flask) -> None:
    """Let an app have the templates that others compiled."""
    app.jinja_env.bytecode_cache = _templates
