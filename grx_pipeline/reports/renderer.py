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
from grx_pipeline.storage.hashing import file_hash
from grx_pipeline.storage.steps import combined_hash

_HASH_LENGTH = 10
# One file on the wire of several here, in the order in which they count: together they pack tighter.
_BUNDLES = {
    "site.css": ("vendor/uPlot.min.css", "site.css", "traces.css"),
    "site.js": ("tables.js", "live.js"),
    "traces.js": ("traces_model.js", "traces_parts.js", "traces_draw.js", "vendor/uPlot.iife.min.js", "traces.js"),
}
# In a script: a string, a template or a regular expression; a comment; a mark with the blanks beside it. No line ends
# in a mark that does not go on, and none goes on after a closing one.
_TOKENS = re.compile(
    r"""(?P<kept>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.|\$(?!\{)|\$\{(?:[^`}]|`[^`]*`)*\})*`"""
    r"""|(?:(?<=[(=,:])|(?<=[(=,:] ))/(?![/*])(?:[^/\\\n\[]|\\.|\[[^\]\n]*\])+/)"""
    r"""|[ ]*//[^\n]*|[ ]*(?P<mark>[{(\[,;:?=<>+*&|!])\s*|[ ]*(?P<close>[})\]])[ ]*"""
)
# Line ends that no reader sees: before a tag beside which blanks do not count.
_BLOCK_ENDS = re.compile(
    r"\n+(?=</?(?:t[dhr]|thead|tbody|tfoot|table|caption|li|[dou]l|d[dt]|div|p|h[1-6]|section|figure|figcaption|optgroup|option"
    r"|path|line|rect|circle|text|g)\b)"
)
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
    contents = {name: lean(name, file.read_bytes()) for file in files if (name := file.relative_to(folder).as_posix())}
    for name, parts in _BUNDLES.items():
        contents[name] = b"".join(contents.pop(part) for part in parts)
    return {name: (_hashed_name(name, contents[name]), contents[name]) for name in sorted(contents)}


def lean(name: str, content: bytes) -> bytes:
    """Our own scripts and styles without indentation and comments; what is vendored stays byte for byte.

    No text in a style has a mark that is followed by a space.
    """
    if name.startswith("vendor/") or not name.endswith((".js", ".css")):
        return content
    text = content.decode()
    if name.endswith(".css"):
        text = re.sub(r"(?<=:) | ?([{};,]) ?", r"\1", re.sub(r"/\*.*?\*/", "", text))
        text = re.sub(r"(?<![\w.])0(?=\.\d)", "", text)
    lines = (line.strip() for line in text.splitlines())
    text = "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))
    return (_TOKENS.sub(_lean_token, text) if name.endswith(".js") else text).encode()


def _lean_token(token: re.Match[str]) -> str:
    return token["kept"] or token["mark"] or token["close"] or ""


def asset_files() -> dict[str, bytes]:
    """The static files by their path in a site."""
    return {f"assets/{name}": content for name, content in static_files().values()}


def render(template: str, style: Style, *, root: str, view: Mapping[str, object]) -> bytes:
    """A page as bytes; `root` leads from it to the folder of its assets."""
    names = {key: name for key, (name, _) in static_files().items()}
    text = _environment(style).get_template(template).render(assets=names, root=root, **view)
    return _BLOCK_ENDS.sub("", text).encode()


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
