"""What is loaded while the files of a run are looked for."""

import pytest

from grx_pipeline import loading


@pytest.mark.parametrize("waits", [0, 1, 2])
def test_what_steps_need_later_is_loaded_only_while_something_is_waited_for(
    waits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    answers = iter([True] * waits + [False])
    monkeypatch.setattr(loading, "import_module", loaded.append)
    loading.load_program(lambda: next(answers))
    assert loaded[0] == "grx_pipeline.runner"
    assert len(loaded) == 1 + waits
