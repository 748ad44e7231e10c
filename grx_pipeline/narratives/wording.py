"""Which words a text may be made of: the check on everything that stands between the figures.

A text is written in a small vocabulary (prompts/vocabulary.txt) and in the words that its facts and rules bring along.
What is not there cannot be said: no doubt, no denial, no thing or place or person that no fact knows.
"""

import re
from collections.abc import Iterable, Iterator

from grx_pipeline.narratives import lexicon
from grx_pipeline.narratives.records import PLACEHOLDER, Fact, FactSet

TOKEN = re.compile(r"\{[^{}]*\}|[A-Za-z]+(?:['’-][A-Za-z]+)*|[.,;:!?()–—]")
_PLAIN = re.compile(r"[A-Za-z ,.;:!?()'’–—-]*")
_GLUED = re.compile(r"[A-Za-z'’-]\{|\}[A-Za-z-]|\}\{|[–—-] *\{")
_ENDS = frozenset(".!?")
_STEM = 4  # letters from which on a stem of a fact's words stands for all its forms


def literal_problems(template: str, facts: FactSet, rule_words: frozenset[str]) -> Iterator[str]:
    """What may not stand between the placeholders; `rule_words` are the words of the sentence's rule."""
    literal = PLACEHOLDER.sub(" ", template)
    if any(character.isnumeric() for character in literal):
        yield "a digit"
    elif not _PLAIN.fullmatch(literal):
        odd = next(character for character in literal if not _PLAIN.fullmatch(character))
        yield f"a character that no sentence needs (U+{ord(odd):04X})"
    if _GLUED.search(template):
        yield "a placeholder stands alone, between blanks or marks, with no dash before it"
    brought = rule_words | brought_words(
        facts.facts[name] for name in PLACEHOLDER.findall(template) if name in facts.facts
    )
    tokens = TOKEN.findall(template)
    is_opening = True
    for before, token in zip(["", *tokens], tokens, strict=False):
        if token.startswith("{"):
            is_opening = False
            continue
        if not token[0].isalpha():
            is_opening = is_opening or token in _ENDS
            continue
        yield from _word_problems(token, before, facts, brought, is_opening=is_opening)
        is_opening = False


def brought_words(facts: Iterable[Fact]) -> frozenset[str]:
    """The words that facts bring along: those that name them, and those of their side."""
    words: set[str] = set()
    for fact in facts:
        words.update(word for group in fact.told.words for stem in group for word in stem.split())
        words.update(fact.told.superlatives)
        if fact.told.axis:
            over, under = lexicon.AXES[fact.told.axis]
            words |= over if (fact.value or 0.0) >= 0 else under
    return frozenset(words)


def _word_problems(
    token: str, before: str, facts: FactSet, brought: frozenset[str], *, is_opening: bool
) -> Iterator[str]:
    word = token.lower().removesuffix("'s").removesuffix("’s")
    pieces = {word, *word.split("-")}
    if pieces & lexicon.NUMBER_WORDS:
        yield f"a number word ({token})"
    elif pieces & lexicon.UNIT_WORDS:
        yield f"a unit ({token}); units come with the facts"
    elif pieces & lexicon.ABSOLUTES:
        yield f"an absolute ({token}) that no fact holds"
    elif pieces & lexicon.DENIALS:
        yield f"a denial ({token}); say what is, not what is not"
    elif pieces & facts.names:
        yield f"a name ({token}); names come with the facts"
    elif token[0].isupper() and token not in lexicon.ALLOWED_CAPITALS and not (is_opening and _is_known(word, brought)):
        yield f"a capital ({token}); names come with the facts, and sentences open with an ordinary word"
    elif not _is_known(word, brought) and not all(_is_known(piece, brought) for piece in word.split("-")):
        yield f"a word that no sentence needs ({token}); the vocabulary has the others"
    if before.startswith("{") and word in lexicon.COUNTED_WORDS:
        yield f"{before} brings its own unit; {token!r} behind it changes its meaning"


def _is_known(word: str, brought: frozenset[str]) -> bool:
    if word in lexicon.known_words() or word in brought:
        return True
    return any(len(stem) >= _STEM and word.startswith(stem) for stem in brought)
