"""How often Python looks for cycles of objects that nobody has any more. Memory limits do not belong here."""

import contextlib
import gc
from collections.abc import Iterator

# Allocations, and collections of the younger generations, between two looks for cycles.
_RARELY = (100_000, 50, 100)


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cycles rarely: a run makes millions of objects and hardly a cycle, and looking took 6 % of its CPU;
    of loading the program's modules it takes 15 %.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)
