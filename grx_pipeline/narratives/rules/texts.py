"""What a rule says: its meaning, its advice, and how to know that it worked."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PatternTexts:
    """Wordings; `*` stands for the name of the change. A wording whose facts are missing is left out."""

    meaning: tuple[str, ...]
    advice: tuple[str, ...]
    check: tuple[str, ...]
