"""The page of studies: each section is replaced alone, in one order."""

from pathlib import Path

from grx_pipeline.methods.validation.page import STUDIES


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    page = tmp_path / "validation.md"
    STUDIES.write(page, "dptad", "# Faults\n\nfirst\n\n## Table\n", date="2025-01-01")
    STUDIES.write(page, "siwtl", "# Targets\n\nhold-out\n", date="2025-01-02")
    before = page.read_text()
    STUDIES.write(page, "dptad", "# Faults\n\nsecond\n", date="2025-01-03")
    text = page.read_text()
    assert "first" not in text
    assert "## Faults\n\n`grx validate dptad`, 2025-01-03.\n\nsecond" in text
    assert "### Table" in before
    assert text[: text.index("<!-- study dptad -->")] == before[: before.index("<!-- study dptad -->")]
    assert text.index("## Targets") < text.index("## Faults")


def test_the_same_study_gives_the_same_page(tmp_path: Path) -> None:
    page = tmp_path / "validation.md"
    for _ in range(2):
        STUDIES.write(page, "siwtl", "# Targets\n\ntext\n", date="2025-01-02")
        first = page.read_bytes()
        STUDIES.write(page, "opportunities", "# Advice\n\ntext\n", date="2025-01-02")
    assert page.read_bytes().startswith(first.rstrip())
