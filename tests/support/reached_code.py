"""Which of our code a function can reach: by name, over functions, classes and constants of our modules.

What is reached through an object's method counts with the class that is named; type hints count for nothing.
"""

import ast
import functools
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

_ROOT = Path(str(resources.files("grx_pipeline")))
# A module, and a name of its top level.
Place = tuple[str, str]


def reached_packages(*begin: Callable[..., Any]) -> set[str]:
    """The subpackages and modules of grx_pipeline that these functions reach."""
    todo: list[Place] = [(function.__module__, function.__name__) for function in begin]
    seen: set[Place] = set()
    while todo:
        place = todo.pop()
        if place not in seen:
            seen.add(place)
            todo += _named_at(place)
    return {module.split(".")[1] for module, _ in seen}


def _named_at(place: Place) -> Iterator[Place]:
    """What of our code the definition at `place` names."""
    module, name = place
    defined, imported = _module(module)
    if name not in defined and name in imported:
        yield imported[name]
    for node in defined.get(name, ()):
        for found in _without_hints(node):
            if isinstance(found, ast.Name) and found.id in defined:
                yield module, found.id
            elif isinstance(found, ast.Name) and imported.get(found.id, ("", ""))[1]:
                yield imported[found.id]
            elif isinstance(found, ast.Attribute) and isinstance(found.value, ast.Name):
                owner, of_owner = imported.get(found.value.id, ("", "-"))
                if not of_owner:
                    yield owner, found.attr


@functools.cache
def _module(name: str) -> tuple[dict[str, list[ast.AST]], dict[str, Place]]:
    """What a module defines at its top level, and whence the names are that it imports: no name for a whole module."""
    tree = ast.parse(_file(name).read_text(encoding="utf-8"))
    defined: dict[str, list[ast.AST]] = {}
    for node in tree.body:
        names = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
        if isinstance(node, ast.Assign | ast.AnnAssign):
            names = [
                part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            ]
        for each in names:
            defined.setdefault(each, []).append(node)
    imported: dict[str, Place] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("grx_pipeline"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                place = (whole, "") if _file(whole).is_file() else (str(node.module), alias.name)
                imported[alias.asname or alias.name] = place
    return defined, imported


def _file(module: str) -> Path:
    path = _ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _without_hints(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _without_hints(child)
