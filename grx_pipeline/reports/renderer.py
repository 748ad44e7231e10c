"""Templates and static files -> the bytes of a page. What stands in a page is made in the *_page.py modules."""

import functools
import hashlib
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from grx_pipeline.reports import formats, precision
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.standing import car_label
from grx_pipeline.storage.steps import combined_hash, file_hash

_HASH_LENGTH = 10
# One file on the wire of several here, in the order in which they run.
_BUNDLES = {"traces.js": ("traces_model.js", "traces_parts.js", "traces_draw.js", "traces.js")}
_STYLED = (
    *("lap_time", "sector_time", "gap", "number", "percent", "counted", "signed", "seconds", "speed", "speed_gap"),
    *("moment", "time_of_day", "zone_name", "sentence"),
)


@functools.cache
def static_files() -> Mapping[str, tuple[str, bytes]]:
    """The static files by their path in static/: name with the content's hash in it, content.

    Records of where a vendored file is from (.json) are not for readers; its licence is.
    """
    folder = _package_folder() / "static"
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json")
    contents = {name: _lean(name, file.read_bytes()) for file in files if (name := file.relative_to(folder).as_posix())}
    for name, parts in _BUNDLES.items():
        contents[name] = b"".join(contents.pop(part) for part in parts)
    return {name: (_hashed_name(name, contents[name]), contents[name]) for name in sorted(contents)}


def _lean(name: str, content: bytes) -> bytes:
    """Our own scripts and styles without indentation and comments; what is vendored stays byte for byte.

    No text in a style has a mark that is followed by a space.
    """
    if name.startswith("vendor/") or not name.endswith((".js", ".css")):
        return content
    text = content.decode()
    if name.endswith(".css"):
        text = re.sub(r"(?<=:) | ?([{};,]) ?", r"\1", re.sub(r"/\*.*?\*/", "", text))
    lines = (line.strip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//")).encode()


def asset_files() -> dict[str, bytes]:
    """The static files by their path in a site."""
    return {f"assets/{name}": content for name, content in static_files().values()}


def render(template: str, style: Style, *, root: str, view: Mapping[str, object]) -> bytes:
    """A page as bytes; `root` leads from it to the folder of its assets."""
    names = {key: name for key, (name, _) in static_files().items()}
    return _environment(style).get_template(template).render(assets=names, root=root, **view).encode()


@functools.cache
def renderer_hash() -> str:
    """Hash of all code, templates and static files of this package: a page of another hash is rendered again."""
    folder = _package_folder()
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return combined_hash({path.relative_to(folder).as_posix(): file_hash(path) for path in files})


def _package_folder() -> Path:
    return Path(str(resources.files("grx_pipeline.reports")))


def _hashed_name(name: str, content: bytes) -> str:
    stem, _, ending = name.rpartition("/")[2].rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]}.{ending}"


@functools.cache
def _environment(style: Style) -> Environment:
    environment = Environment(
        loader=PackageLoader("grx_pipeline", "reports/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.filters |= {name: getattr(style, name) for name in _STYLED}
    environment.filters |= {"race_clock": formats.race_clock, "long_date": formats.long_date, "whole": precision.whole}
    environment.filters |= {"car_label": car_label, "unbroken": formats.unbroken}
    environment.globals |= {"missing": formats.MISSING, "speed_unit": style.speed_unit}
    environment.globals["decimal_comma"] = style.has_decimal_comma
    return environment
