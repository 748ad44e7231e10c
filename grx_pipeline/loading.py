"""The modules that runs need, loaded while something else has to be waited for."""

from collections.abc import Callable
from importlib import import_module

# What steps load where they need it first, the first of them first; each of their processes anew, 0.6 s of CPU.
_LATER = ("scipy.optimize", "scipy.interpolate", "scipy.ndimage", "scipy.signal")


def load_program(is_waiting: Callable[[], bool]) -> None:
    """Load what runs sessions; and while there is something to wait for, what its steps would load themselves."""
    import_module("grx_pipeline.runner")
    for name in _LATER:
        if not is_waiting():
            return
        import_module(name)
