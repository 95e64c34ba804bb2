"""Names of a package that are imported when they are first used, so that importing the package is quick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazily(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return what a package takes as its `__getattr__`.

    Args:
        package: the name of the package.
        modules: for each name the module that holds it; for a module the module itself. Both are written without
            "lmn_music.".
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = import_module(f"lmn_music.{modules[name]}")
        value = getattr(found, name) if name != modules[name] else found
        setattr(import_module(package), name, value)
        return value

    return get
