"""The files of a session's site, every other one made in a copy of this process; written into a draft as they come."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from grx_pipeline.forks import beside
from grx_pipeline.publishing.manifest import FileEntry
from grx_pipeline.reports.api import SessionRecords, json_files
from grx_pipeline.reports.draft import Draft
from grx_pipeline.reports.earlier import read_earlier
from grx_pipeline.reports.encoding import build_of
from grx_pipeline.reports.pages import session_pages
from grx_pipeline.settings import ReportSettings

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class JsonFiles:
    """JSON files of the site: what the manifest says of each, and its `build`."""

    entries: Mapping[str, FileEntry]
    builds: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class PageFiles:
    """Pages and what they load: what the manifest says of each. `inputs` are hashes by page, `rendered` were made."""

    entries: Mapping[str, FileEntry]
    inputs: Mapping[str, str] = field(default_factory=dict)
    rendered: tuple[str, ...] = ()


def put_json(draft: Draft, records: SessionRecords, *, session: str, now: str, processors: int) -> JsonFiles:
    """Put every JSON file into the draft."""

    def put(half: slice) -> JsonFiles:
        files = json_files(records, session=session, earlier=draft.standing.head, now=now, share=half)
        return JsonFiles(entries=draft.put(files), builds={name: build_of(file) for name, file in files.items()})

    halves = _in_halves(put, processors)
    return JsonFiles(entries=_merged(half.entries for half in halves), builds=_merged(half.builds for half in halves))


def put_pages(
    draft: Draft, records: SessionRecords, builds: Mapping[str, str], *, settings: ReportSettings, processors: int
) -> PageFiles:
    """Put every page into the draft; `builds` are those of the JSON files."""
    earlier = read_earlier(draft.site)

    def put(half: slice) -> PageFiles:
        pages = session_pages(records, builds, settings=settings, earlier=earlier, share=half)
        return PageFiles(entries=draft.put(pages.files), inputs=pages.inputs, rendered=tuple(pages.rendered))

    halves = _in_halves(put, processors)
    return PageFiles(
        entries=_merged(half.entries for half in halves),
        inputs=_merged(half.inputs for half in halves),
        rendered=tuple(name for half in halves for name in half.rendered),
    )


def _in_halves(make: Callable[[slice], T], processors: int) -> tuple[T, T]:
    """What `make` gives for every other item, and for those in between."""
    with beside(lambda: make(slice(1, None, 2)), processors=processors) as other:
        return make(slice(0, None, 2)), other()


def _merged(parts: Iterable[Mapping[str, T]]) -> dict[str, T]:
    return {name: value for part in parts for name, value in part.items()}
