import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grx_pipeline.errors import InputError
from grx_pipeline.ingest import delimited
from grx_pipeline.ingest.delimited import COUNT, DECIMAL, INTEGER, TEXT, Field, Layout, TypedRows, read_delimited

CAR = Field(column="car", headers=("NUMBER",), cells=TEXT, is_required=True, is_key=True)
LAP = Field(column="lap", headers=("LAP", "INT-LAP"), cells=INTEGER, is_required=True, is_key=True)
SPEED = Field(column="speed", headers=("SPEED",), cells=DECIMAL)
TEAM = Field(column="team", headers=("TEAM",), cells=TEXT)
TIMING = Layout(kind="analysis", delimiter=";", is_quoted=False, fields=(CAR, LAP, SPEED, TEAM))
LOGGER = Layout(kind="lap_end", delimiter=",", is_quoted=True, fields=(CAR, LAP, SPEED))


def read(content: str | bytes, layout: Layout = TIMING) -> TypedRows:
    raw = content.encode() if isinstance(content, str) else content
    return read_delimited(io.BytesIO(raw), file="a.csv", layout=layout)


def reasons(rows: TypedRows) -> list[tuple[int, int | None, str]]:
    found = rows.quarantine.sort_by("line_number").to_pylist()
    return [(row["line_number"], row["row_number"], row["reason"]) for row in found]


@pytest.mark.parametrize(
    "content",
    [
        "NUMBER;LAP;SPEED\n03;1;99.5\n4;2;\n",
        "NUMBER;LAP;SPEED\r\n03;1;99.5\r\n4;2;\r\n",
        "NUMBER;LAP;SPEED\n03;1;99.5\n4;2;",
        b"\xef\xbb\xbfNUMBER;LAP;SPEED;\r\n03;1;99.5;\r\n4;2;;\r\n",
        "NUMBER; LAP; SPEED\n 03 ;1;99.5\n\n4;2; \n\n",
        "SPEED;VEHICLE;INT-LAP;NUMBER\n99.5;Toyota;1;03\n;Toyota;2;4\n",
        "NUMBER;LAP;SPEED\n03;1;99.5;\n4;2;;\n",
    ],
    ids=["plain", "crlf", "no_last_newline", "bom_and_empty_column", "blanks", "other_order", "empty_column_in_rows"],
)
def test_every_variant_of_a_file_gives_the_same_rows(content: str | bytes) -> None:
    rows = read(content)
    assert rows.frame["car"].tolist() == ["03", "4"]
    assert rows.frame["lap"].tolist() == [1, 2]
    assert rows.frame["speed"].isna().tolist() == [False, True]
    assert rows.frame["row_number"].tolist() == [1, 2]
    assert (rows.account.rows_read, rows.account.rows_kept) == (2, 2)
    assert rows.unreadable == ()


def test_an_optional_column_that_is_missing_is_null_throughout() -> None:
    assert read("NUMBER;LAP\n3;1\n").frame[["speed", "team"]].isna().all(axis=None)


def test_each_unusable_line_is_set_aside_with_its_place_and_text() -> None:
    rows = read(b"NUMBER;LAP\n3;1\n4\n5;1;2;3\n\n\xff6;1\n;1\n7;x\n8;2\r\n")
    assert reasons(rows) == [
        (3, None, "too_few_fields"),
        (4, None, "too_many_fields"),
        (6, None, "not_utf8"),
        (7, 2, "missing_value"),
        (8, 3, "unreadable_value"),
    ]
    texts = rows.quarantine.column("raw_text").to_pylist()
    assert texts == ["4", "5;1;2;3", "\ufffd6;1", ";1", "7;x"]
    assert rows.quarantine.column("detail").to_pylist()[-1] == "LAP is 'x', which is not a whole number"
    assert rows.frame["car"].tolist() == ["3", "8"]
    assert rows.frame["row_number"].tolist() == [1, 4]


def test_of_equal_lines_the_first_is_kept_and_the_others_are_counted() -> None:
    rows = read("NUMBER;LAP\n3;1\n3;2\n3;1\r\n3;1\n")
    assert rows.frame["row_number"].tolist() == [1, 2]
    assert rows.account.exact_duplicates == 2
    assert rows.quarantine.num_rows == 0


def test_equal_lines_that_cannot_be_used_are_all_set_aside() -> None:
    rows = read("NUMBER;LAP\n3;x\n3;x\n")
    assert (rows.account.exact_duplicates, rows.account.rows_set_aside, len(rows.frame)) == (0, 2, 0)


def test_a_bad_value_in_an_optional_column_is_null_and_listed() -> None:
    rows = read("NUMBER;LAP;SPEED\n3;1;9.5\n3;2;fast\n3;3;n/a\n")
    assert rows.frame["speed"].isna().tolist() == [False, True, True]
    (lost,) = rows.unreadable
    assert (lost.header, lost.count, lost.first_line, lost.first_text) == ("SPEED", 2, 3, "fast")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["a.csv", "line 1 is empty"]),
        ("\n\n", ["a.csv", "line 1 is empty"]),
        ("NUMBER;SPEED\n3;1\n", ["a.csv", "LAP", "export the file again"]),
        ("NUMBER;LAP;INT-LAP\n3;1;1\n", ["a.csv", "LAP", "twice"]),
        (b"PK\x03\x04\xff\xfe\n", ["a.csv", "NUMBER"]),
    ],
    ids=["empty", "blank", "missing_column", "column_twice", "binary"],
)
def test_a_file_that_cannot_be_read_names_itself_and_what_is_wrong(content: str | bytes, words: list[str]) -> None:
    with pytest.raises(InputError) as error:
        read(content)
    assert all(word in str(error.value) for word in words)


def test_a_header_without_rows_is_an_empty_table() -> None:
    rows = read("NUMBER;LAP\n")
    assert (len(rows.frame), rows.account.rows_read, rows.quarantine.num_rows) == (0, 0, 0)


def test_quoted_fields_may_hold_delimiters_and_quotes() -> None:
    rows = read('"NUMBER","LAP"\n"a,b",1\n"say ""hi""",2\nplain,3', LOGGER)
    assert rows.frame["car"].tolist() == ["a,b", 'say "hi"', "plain"]


def test_lines_with_broken_quotes_are_set_aside_alone() -> None:
    rows = read('"NUMBER","LAP"\n"a",1\n"open,2\nx"y,3\n"a"b,4\n"c",5\n', LOGGER)
    assert reasons(rows) == [(line, None, "bad_quotes") for line in (3, 4, 5)]
    assert rows.frame["car"].tolist() == ["a", "c"]


def test_a_quote_in_an_unquoted_file_is_a_character() -> None:
    assert read('NUMBER;LAP;TEAM\n3;1;"Fast\n4;1;The "A" Team\n').frame["team"].tolist() == ['"Fast', 'The "A" Team']


def test_odd_characters_do_not_break_lines_or_fields() -> None:
    rows = read("NUMBER;LAP;TEAM\n3;1;a\x00b\n4;1;a\rb\n5;1;a\u2028b\x85\x0cc\n")
    assert rows.frame["car"].tolist() == ["3", "4", "5"]
    assert rows.quarantine.num_rows == 0


def test_numbers_too_big_for_their_column_cannot_be_read() -> None:
    layout = Layout(
        kind="analysis", delimiter=";", is_quoted=False, fields=(CAR, Field(column="n", headers=("N",), cells=COUNT))
    )
    rows = read("NUMBER;N\n3;99999999999\n4;-1\n5;32768\n", layout)
    assert rows.frame["n"].isna().tolist() == [True, True, False]


def test_blocks_of_lines_make_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    content = "NUMBER;LAP;SPEED\n" + "".join(f"{n % 7};{n};1.5\n" for n in range(60)) + "bad\n3;3;1.5\n9;60;x\n"
    whole = read(content)
    monkeypatch.setattr(delimited, "_BLOCK_BYTES", 32)
    in_blocks = read(content)
    assert in_blocks.frame.equals(whole.frame)
    assert in_blocks.quarantine.equals(whole.quarantine)
    assert (in_blocks.account, in_blocks.unreadable) == (whole.account, whole.unreadable)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.binary(max_size=12), max_size=12))
def test_whatever_the_bytes_every_line_is_accounted_for(lines: list[bytes]) -> None:
    content = b"\n".join(line.replace(b"\n", b"") for line in lines)
    for layout, header in ((TIMING, b"NUMBER;LAP\n"), (LOGGER, b"NUMBER,LAP\n")):
        rows = read(header + content, layout)
        account = rows.account
        assert account.unaccounted == 0
        assert account.rows_set_aside == rows.quarantine.num_rows
        assert account.rows_kept == len(rows.frame)
        assert account.rows_read <= len(lines)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.text("0123456789abc ", min_size=1).filter(str.strip), st.integers(-999_999_999, 999_999_999)),
        max_size=8,
        unique=True,
    )
)
def test_well_formed_rows_are_read_as_written(cells: list[tuple[str, int]]) -> None:
    frame = read("NUMBER;LAP\n" + "".join(f"{car};{lap}\n" for car, lap in cells)).frame
    assert list(zip(frame["car"], frame["lap"], strict=True)) == [(car.strip(), lap) for car, lap in cells]
