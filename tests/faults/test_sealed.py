"""Small files notice damage: whatever bit is lost, they are not read as something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.storage.sealed import sealed, unsealed

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS | st.lists(st.integers())
DOCUMENTS = st.dictionaries(TEXTS.filter(lambda name: name != "seal"), VALUES, max_size=4)


@given(DOCUMENTS, st.booleans())
def test_what_was_sealed_is_read_back(document: dict[str, object], is_ascii: bool) -> None:
    assert unsealed(sealed(document, is_ascii=is_ascii)) == document


@given(DOCUMENTS, st.data())
def test_a_lost_bit_is_noticed_or_changes_nothing_that_is_said(
    document: dict[str, object], data: st.DataObject
) -> None:
    content = bytearray(sealed(document))
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read = unsealed(bytes(content))
    except ValueError:
        return
    assert read == document


@given(DOCUMENTS, st.data())
def test_a_file_that_was_cut_short_is_noticed(document: dict[str, object], data: st.DataObject) -> None:
    content = sealed(document)
    # Without its last line break it still says everything.
    with pytest.raises(ValueError, match=r"."):
        unsealed(content[: data.draw(st.integers(0, len(content) - 2))])


def test_a_file_from_before_seals_is_read_where_that_is_allowed() -> None:
    assert unsealed(b'{"a": 1}', is_required=False) == {"a": 1}
    with pytest.raises(ValueError, match="altered"):
        unsealed(b'{"a": 1}')
    with pytest.raises(ValueError, match="not a JSON object"):
        unsealed(b"[1]", is_required=False)
