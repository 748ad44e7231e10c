"""Where in a TOML file something stands."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.ingest.toml_lines import line_numbers


def test_keys_tables_and_items_have_the_line_they_begin_in() -> None:
    text = (
        '# first\na = 1\n\n[b]\n# of c\nc = """\n[not.a.table]\n"""\nd = [\n  1,\n  2,\n]\n[[e]]\nf = 1\n[[e]]\nf = 2\n'
    )
    assert line_numbers(text) == {
        ("a",): 2,
        ("b",): 4,
        ("b", "c"): 6,
        ("b", "d"): 9,
        ("b", "d", 0): 9,
        ("b", "d", 1): 9,
        ("e",): 13,
        ("e", 0): 13,
        ("e", 0, "f"): 14,
        ("e", 1): 15,
        ("e", 1, "f"): 16,
    }


@given(st.lists(st.sampled_from(["", "# remark", "value", "text", "list"]), max_size=12))
def test_each_key_is_found_whatever_stands_between(kinds: list[str]) -> None:
    statements = {"value": "k{n} = {n}", "text": "k{n} = '''\n# no remark\n'''", "list": "k{n} = [\n\n1]"}
    lines: list[str] = []
    expected = {}
    for n, kind in enumerate(kinds):
        if kind in statements:
            expected[f"k{n}",] = len(lines) + 1
        lines += statements.get(kind, kind).format(n=n).split("\n")
    found = {path: line for path, line in line_numbers("\n".join(lines)).items() if len(path) == 1}
    assert found == expected


def test_a_long_file_is_parsed_line_by_line_and_not_again_from_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counted(text: str) -> dict[str, object]:
        read.append(len(text))
        return parse(text)

    parse = tomllib.loads
    monkeypatch.setattr(tomllib, "loads", counted)
    text = "\n".join(f'[[exclude]]\ncar = "{n}"\nlaps = [{n},\n  0]\n' for n in range(500))
    assert line_numbers(text)["exclude", 499, "laps"] == 499 * 5 + 3
    assert sum(read) < 2 * len(text)
