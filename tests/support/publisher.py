"""A site that changes with every publication, and a process that publishes it again and again.

Each page names a data file by its hash; both say which publication they are of. Run as a program it publishes as
many times as it is told to: `python -m support.publisher REPORTS FIRST COUNT`.
"""

import hashlib
import re
import sys
from pathlib import Path

from grx_pipeline.paths import Paths
from grx_pipeline.reports.publish import Publication, publish
from grx_pipeline.reports.season import SeasonFacts, SeasonSession
from grx_pipeline.reports.site_files import publish_site
from grx_pipeline.settings import ReportSettings, Settings

SESSION = "barber-2025-r1"
PAGES = ("index.html", *(f"drivers/car-{n}.html" for n in range(12)))
_FILLING = " ".join(f"{n} lap {n * 7919 % 1000}" for n in range(300))


def site_files(number: int) -> dict[str, bytes]:
    """The files of one publication."""
    files: dict[str, bytes] = {"api/drivers.json": f'{{"number": {number}}}'.encode()}
    for page in PAGES:
        data = f"grxLap({number}, '{page}', '{_FILLING}');\n".encode()
        name = f"data/{page.replace('/', '-')}.{hashlib.sha256(data).hexdigest()[:10]}.js"
        root = "../" * page.count("/")
        text = f'<p id="n{number}">{_FILLING}</p><a href="{root}index.html">up</a><script src="{root}{name}"></script>'
        files |= {name: data, page: text.encode()}
    return files


def number_of(page: bytes) -> int:
    """Which publication a page is of."""
    match = re.search(rb'id="n(\d+)"', page)
    assert match is not None, page[:100]
    return int(match.group(1))


def data_of(page: bytes) -> str:
    """The data file that a page names, from the top of its session."""
    match = re.search(rb'src="(?:\.\./)*(data/[^"]+)"', page)
    assert match is not None, page[:100]
    return match.group(1).decode()


def publish_number(reports: Path, number: int) -> Publication:
    """Publish the session and what stands above it."""
    paths = Paths.of(Settings(reports_dir=reports))
    now = f"2025-01-01T00:00:{number % 60:02d}Z"
    publication = publish(
        site_files(number),
        site=paths.published(SESSION),
        builds=paths.builds(SESSION),
        session=SESSION,
        schema_version="1.0",
        now=now,
        keep=3,
    )
    facts = SeasonFacts(
        **dict.fromkeys(SeasonFacts.__annotations__, number)  # type: ignore[arg-type]
        | {
            "circuit_name": "Barber",
            "race_date": "2025-09-06",
            "best_lap_car": "2",
            "is_best_clean": True,
            "winner_car": "2",
        }
        | {"winner_name": None, "is_simulated": False},
    )
    publish_site([SeasonSession(session=SESSION, facts=facts)], paths, ReportSettings(), now=now)
    return publication


if __name__ == "__main__":
    for n in range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])):
        publish_number(Path(sys.argv[1]), n)
        sys.stdout.write(f"{n}\n")
        sys.stdout.flush()
