"""The page of all studies: every `grx validate` replaces its own section and leaves the others as they are.

A section stands between two HTML comments that name its study. What a study finds does not belong here.
"""

import re
from pathlib import Path

from grx_pipeline.storage.atomic import write_bytes

# The order of the sections on the page.
STUDIES = ("siwtl", "dptad", "opportunities", "narratives")

_HEAD = """# What the studies show

Each section is written by the command it names, on the day and from the laps it names; nothing on this page is typed.
Simulated laps are named as such. What a table here does not show is claimed nowhere else.
"""


def write_section(page: Path, study: str, text: str, *, date: str) -> None:
    """Replace the section of `study` (one of STUDIES) on `page`, or make page and section.

    `text` is Markdown that opens with a heading of level 1; its headings move one level down. `date` is the day
    of the study. Other sections keep their text.
    """
    sections = _read_sections(page) | {study: _section(study, text, date)}
    ordered = [sections[name] for name in STUDIES if name in sections]
    write_bytes(page, "\n".join([_HEAD, *ordered]).encode())


def _section(study: str, text: str, date: str) -> str:
    title, _, body = re.sub(r"^#", "##", text.strip(), flags=re.MULTILINE).partition("\n")
    lines = [_opening(study), title, "", f"`grx validate {study}`, {date}.", body.rstrip(), "", _closing(study), ""]
    return "\n".join(lines)


def _read_sections(page: Path) -> dict[str, str]:
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    found = {}
    for study in STUDIES:
        match = re.search(f"{re.escape(_opening(study))}\n.*?{re.escape(_closing(study))}\n", text, re.DOTALL)
        if match:
            found[study] = match.group()
    return found


def _opening(study: str) -> str:
    return f"<!-- study {study} -->"


def _closing(study: str) -> str:
    return f"<!-- end of study {study} -->"
