"""The page of all benchmarks."""

from grx_pipeline.storage.sections import SectionPage

BENCHMARKS = SectionPage(
    head="""# Benchmarks

Each section is written by the command it names; nothing on this page is typed. Seconds are of the machine that the
section names; ratios are of figures measured side by side in one run.
""",
    command="grx bench",
    sections=("race", "pages", "laps", "backfill"),
)
