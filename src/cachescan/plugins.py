"""Find providers and reporters: our own by name, others by entry point, none at import.

Our own are named here rather than by entry points of our own: reading the metadata of every
installed package costs more than all of ``--help`` (ADR 0008).
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import entry_points
from typing import Any

from cachescan.errors import ConfigError

Factory = Callable[[Mapping[str, Any]], Any]

PROVIDERS: dict[str, str] = {"aws": "cachescan.providers.aws:factory"}
"""Group ``cachescan.providers``: name to ``module:factory``."""

REPORTERS: dict[str, str] = {
    "json": "cachescan.reporters.json_report:factory",
    "jsonl": "cachescan.reporters.jsonl:factory",
    "sarif": "cachescan.reporters.sarif:factory",
    "text": "cachescan.reporters.terminal:factory",
}
"""Group ``cachescan.reporters``."""


def factory(group: str, own: Mapping[str, str], name: str) -> Factory:
    """Return the factory of that name.

    Raises:
        ConfigError: there is none, or the plug-in does not load; the message says which.
    """
    if name in own:
        module, _, attribute = own[name].partition(":")
        found: Factory = getattr(importlib.import_module(module), attribute)
        return found
    for entry in entry_points(group=group):
        if entry.name == name:
            return _load(entry, group)
    known = [*own, *(entry.name for entry in entry_points(group=group))]
    near = difflib.get_close_matches(name, known, n=1)
    message = f"there is no {group.partition('.')[2].rstrip('s')} called {name!r}"
    raise ConfigError(message, hint=f"did you mean {near[0]!r}?" if near else _list(known))


def _load(entry: Any, group: str) -> Factory:  # noqa: ANN401 (importlib's EntryPoint)
    try:
        found: Factory = entry.load()
    except (ImportError, AttributeError) as error:
        message = f"the plug-in {entry.value} ({group}) does not load"
        raise ConfigError(message, hint=str(error)) from error
    return found


def _list(known: Iterable[str]) -> str:
    return f"there are: {', '.join(sorted(known))}"
