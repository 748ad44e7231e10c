"""What published pages must never do, whatever stands in the raw files: run anything inline, or link to nowhere."""

import os
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote


class Page(HTMLParser):
    """A page's links, addresses, tags and attributes, and its script elements."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name in ("href", "src") and value]
        self.addresses += [value for name, value in attrs if name == "id" and value]
        self.scripts += [dict(attrs)] if tag == "script" else []


@cache
def _parsed(path: Path, stamp: int) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def read_page(path: Path) -> Page:
    return _parsed(path, path.stat().st_mtime_ns)


def assert_runs_nothing(path: Path) -> None:
    """Scripts are files of the site or data, styles are files, and no text of the raw files became an element."""
    page = read_page(path)
    assert all("src" in script or script.get("type") == "application/json" for script in page.scripts), path
    assert not page.tags & {"img", "iframe", "style", "object", "embed"}, path
    assert not [name for name in page.attributes if name == "style" or name.startswith("on")], path
    assert len(page.addresses) == len(set(page.addresses)), path


def assert_links_hold(path: Path) -> None:
    """Every link leads to a file of the site and to an address that it has."""
    for link in read_page(path).links:
        assert not re.match(r"[a-z]+:|//", link), (path, link)
        file, _, address = link.partition("#")
        name = unquote(file.partition("?")[0])
        # As a browser does: `..` is taken off the address, not followed through the session's link.
        target = Path(os.path.normpath(path.parent / name)) if name else path
        assert target.is_file(), (path, link)
        assert not address or address in read_page(target).addresses, (path, link)
