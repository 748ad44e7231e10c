"""Pages of measured figures: every command replaces its own section and leaves the others as they are.

A section stands between two HTML comments that name it. What a command measures does not belong here.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from grx_pipeline.storage.atomic import write_bytes


@dataclass(frozen=True, kw_only=True)
class SectionPage:
    """A page: its `head` in Markdown, and the sections that `command` writes, in their order."""

    head: str
    command: str
    sections: tuple[str, ...]

    def write(self, page: Path, section: str, text: str, *, date: str) -> None:
        """Replace `section` on `page`, or make page and section; other sections keep their text.

        `text` is Markdown that opens with a heading of level 1; its headings move one level down. `date` is the day
        on which it was measured.
        """
        written = self._read(page) | {section: self._framed(section, text, date)}
        ordered = [written[name] for name in self.sections if name in written]
        write_bytes(page, "\n".join([self.head, *ordered]).encode())

    def _framed(self, section: str, text: str, date: str) -> str:
        title, _, body = re.sub(r"^#", "##", text.strip(), flags=re.MULTILINE).partition("\n")
        made = f"`{self.command} {section}`, {date}."
        return "\n".join([_opening(section), title, "", made, body.rstrip(), "", _closing(section), ""])

    def _read(self, page: Path) -> dict[str, str]:
        text = page.read_text(encoding="utf-8") if page.is_file() else ""
        found = {}
        for section in self.sections:
            match = re.search(f"{re.escape(_opening(section))}\n.*?{re.escape(_closing(section))}\n", text, re.DOTALL)
            if match:
                found[section] = match.group()
        return found


def _opening(section: str) -> str:
    return f"<!-- study {section} -->"


def _closing(section: str) -> str:
    return f"<!-- end of study {section} -->"
