import re

from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.paths import path_id, path_ids


def test_a_plain_id_is_its_own_file_name() -> None:
    for plain in ("GR86-002-000", "car-03", "a.b_c-d", "x" * 64):
        assert path_id(plain) == plain


def test_ids_with_other_characters_are_encoded_and_told_apart() -> None:
    slash, colon = path_id("car-7/A"), path_id("car-7:A")
    assert slash.startswith("car-7%2FA-")
    assert colon.startswith("car-7%3AA-")


def test_an_id_with_a_leading_dot_is_not_a_hidden_file() -> None:
    assert not path_id(".hidden").startswith(".")
    assert not path_id("..").startswith(".")


def test_ids_that_differ_in_case_only_get_different_names_without_regard_to_case() -> None:
    names = path_ids(["GR86-a", "gr86-A", "other"])
    assert names["other"] == "other"
    assert names["GR86-a"].casefold() != names["gr86-A"].casefold()


@given(st.lists(st.text(min_size=1, max_size=90), unique=True, max_size=8))
def test_any_ids_get_safe_names_that_are_unique_without_regard_to_case(identifiers: list[str]) -> None:
    names = path_ids(identifiers)
    assert set(names) == set(identifiers)
    assert len({name.casefold() for name in names.values()}) == len(identifiers)
    for name in names.values():
        assert re.fullmatch(r"[A-Za-z0-9_%-][A-Za-z0-9._%-]{0,63}", name)
