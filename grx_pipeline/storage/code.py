"""The state of the code, so that a change of the logic is a change of what it makes."""

import functools
from importlib import resources
from pathlib import Path

from grx_pipeline.storage.hashing import file_hash
from grx_pipeline.storage.steps import combined_hash


@functools.cache
def code_hash(package: str) -> str:
    """Hash of every file of a subpackage or module of grx_pipeline."""
    root = Path(str(resources.files("grx_pipeline")))
    module = root / f"{package}.py"
    files = [module] if module.is_file() else [path for path in (root / package).rglob("*") if _is_source(path)]
    return combined_hash({path.relative_to(root).as_posix(): file_hash(path) for path in files})


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts
