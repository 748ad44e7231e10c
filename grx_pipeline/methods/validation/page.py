"""The page of all studies."""

from grx_pipeline.storage.sections import SectionPage

STUDIES = SectionPage(
    head="""# What the studies show

Each section is written by the command it names, on the day and from the laps it names; nothing on this page is typed.
Simulated laps are named as such. What a table here does not show is claimed nowhere else.
""",
    command="grx validate",
    sections=("siwtl", "dptad", "opportunities", "narratives"),
)
