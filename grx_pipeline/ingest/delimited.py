"""Small delimited text files: bytes to typed rows, with every row that cannot be used set aside.

A kind of file is declared as a Layout: its columns, what stands in them, and which it cannot do without. Reading
is by blocks of lines and without a loop over rows; memory is bounded by the typed rows. Telemetry does not belong
here (telemetry.py), nor what the columns of a file mean (logger_laps.py, timing.py, results.py, weather.py).

Two kinds of fault are told apart. A row that cannot be used at all (field count, encoding, quotes, or a bad value
in a column marked `is_key`) is set aside. A value that cannot be read in any other column is null in a row that is
kept, and is listed in TypedRows.unreadable.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.accounting import QUARANTINE_COLUMNS, FileAccount
from grx_pipeline.ingest.durations import as_int64, matching, parse_durations, parse_times_of_day, parse_timestamps
from grx_pipeline.schemas import TABLES

_BLOCK_BYTES = 16 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ESCAPED_BYTES = re.compile("[\udc80-\udcff]")
_QUOTED = '"[^"]*"'
_SHOWN_CHARACTERS = 60
# Two keys make 128 bits: equal fingerprints mean equal lines.
_FINGERPRINTS = {"_fingerprint_a": "grx lines, key 1", "_fingerprint_b": "grx lines, key 2"}

Cells = Callable[["pd.Series[Any]"], "pd.Series[Any]"]


@dataclass(frozen=True, kw_only=True)
class CellType:
    """What stands in a column. `parse` takes texts without outer blanks (null where empty) and gives a column of
    its own type, null where a text cannot be read."""

    text: str
    parse: Cells


def parse_integers(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """Int64 of whole numbers of up to nine digits: all of them fit an INTEGER column."""
    return _as_whole(matching(texts, "^-?[0-9]{1,9}$"))


def parse_counts(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """Int64 of whole numbers of up to nine digits, without sign."""
    return _as_whole(matching(texts, "^[0-9]{1,9}$"))


def parse_long_counts(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """Int64 of whole numbers of up to twelve digits, without sign."""
    return _as_whole(matching(texts, "^[0-9]{1,12}$"))


def parse_decimals(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """Float64 of decimal numbers; NaN where a text is none."""
    numbers = pc.cast(pa.array(matching(texts, r"^[+-]?[0-9]{1,15}(\.[0-9]{1,15})?$")), pa.float64())
    return pd.Series(numbers.to_numpy(zero_copy_only=False), index=texts.index)


def _as_whole(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    return as_int64(pc.cast(pa.array(texts), pa.int64()), texts)


TEXT = CellType(text="a text", parse=lambda texts: texts)
INTEGER = CellType(text="a whole number", parse=parse_integers)
COUNT = CellType(text="a whole number without sign", parse=parse_counts)
LONG_COUNT = CellType(text="a whole number without sign", parse=parse_long_counts)
DECIMAL = CellType(text="a number", parse=parse_decimals)
DURATION = CellType(text="a time like M:SS.mmm", parse=parse_durations)
TIME_OF_DAY = CellType(text="a time of day like HH:MM:SS.mmm", parse=parse_times_of_day)
TIMESTAMP = CellType(text="a UTC time like YYYY-MM-DDTHH:MM:SS.mmmZ", parse=parse_timestamps)


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column of a file that is read.

    `headers` are the names it may have, blanks around them left out. A file without an `is_required` column cannot
    be read; a row without a readable value in an `is_key` column is set aside.
    """

    column: str
    headers: tuple[str, ...]
    cells: CellType
    is_required: bool = False
    is_key: bool = False


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a kind of file is written. Without `is_quoted` a quote is a character like any other."""

    kind: str
    delimiter: str
    is_quoted: bool
    fields: tuple[Field, ...]

    @property
    def quoting(self) -> Literal[0, 3]:
        """The csv module's constant."""
        return csv.QUOTE_MINIMAL if self.is_quoted else csv.QUOTE_NONE


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """Values of one column that could not be read and are null; the first of them with its line."""

    header: str
    count: int
    first_line: int
    first_text: str


@dataclass(frozen=True, kw_only=True)
class TypedRows:
    """A file's rows: `row_number` (the first readable data row is 1) and the layout's columns.

    An optional column that the file does not have is null throughout. `unreadable` counts over all rows that were
    not set aside, exact duplicates included.
    """

    frame: pd.DataFrame
    account: FileAccount
    quarantine: pa.Table
    unreadable: tuple[Unreadable, ...]


@dataclass(frozen=True, kw_only=True)
class _Header:
    """Number of named columns, and where the layout's fields stand, by their column."""

    width: int
    names: Mapping[str, str]
    positions: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class _Block:
    """Some lines of the file. `rows` counts the readable data rows, those with bad keys included."""

    rows: int
    frame: pd.DataFrame
    set_aside: pd.DataFrame
    unreadable: list[Unreadable]


def read_delimited(raw: IO[bytes], *, file: str, layout: Layout) -> TypedRows:
    """Read a whole file of UTF-8 lines, with or without byte order mark, CRLF or LF, empty last column.

    Blank lines are no rows. Lines are set aside for `not_utf8`, `bad_quotes`, `too_few_fields`, `too_many_fields`,
    `missing_value` and `unreadable_value`; of lines that are equal and not set aside the first is kept. Raises
    InputError where the file is empty or lacks a required column, or has one twice.
    """
    header = _read_header(raw.readline(), file=file, layout=layout)
    blocks = list(_read_blocks(raw, header, layout))
    rows = pd.concat([block.frame for block in blocks], ignore_index=True)
    is_repeat = rows.duplicated(subset=list(_FINGERPRINTS))
    kept = rows[~is_repeat].drop(columns=list(_FINGERPRINTS)).reset_index(drop=True)
    set_aside = pd.concat([block.set_aside for block in blocks], ignore_index=True).assign(file=file, kind=layout.kind)
    account = FileAccount(
        file=file,
        kind=layout.kind,
        rows_read=len(rows) + len(set_aside),
        rows_kept=len(kept),
        exact_duplicates=int(is_repeat.sum()),
        rows_set_aside=len(set_aside),
    )
    quarantine = pa.Table.from_pandas(
        set_aside[list(QUARANTINE_COLUMNS)], schema=TABLES["quarantine"].arrow_schema(), preserve_index=False
    )
    return TypedRows(frame=kept, account=account, quarantine=quarantine, unreadable=_merge_unreadable(blocks))


def _read_header(line: bytes, *, file: str, layout: Layout) -> _Header:
    text = line.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "replace").strip("\r\n")
    if not text.strip():
        raise InputError(f"{file}: line 1 is empty where a {layout.kind} file has its header; export the file again")
    names = [name.strip() for name in next(csv.reader([text], delimiter=layout.delimiter, quoting=layout.quoting))]
    if names[-1] == "":
        names.pop()
    headers, positions = {}, {}
    for wanted in layout.fields:
        found = [position for position, name in enumerate(names) if name in wanted.headers]
        if len(found) > 1:
            raise InputError(f"{file}: column {wanted.headers[0]} stands twice in the header; export the file again")
        if found:
            headers[wanted.column], positions[wanted.column] = names[found[0]], found[0]
        elif wanted.is_required:
            raise InputError(
                f"{file}: no column {wanted.headers[0]} in the header, which a file of its kind ({layout.kind}) needs "
                f"(it has {', '.join(names)[:200]}); export the file again with all its columns"
            )
    return _Header(width=len(names), names=headers, positions=positions)


def _read_blocks(raw: IO[bytes], header: _Header, layout: Layout) -> Iterator[_Block]:
    """The blocks of the file after its header; at least one, which may be empty."""
    first_line, rows_before = 2, 0
    lines = raw.readlines(_BLOCK_BYTES)
    while True:
        block = _read_block(b"".join(lines), header, layout, first_line=first_line, rows_before=rows_before)
        yield block
        first_line += len(lines)
        rows_before += block.rows
        lines = raw.readlines(_BLOCK_BYTES)
        if not lines:
            return


def _read_block(content: bytes, header: _Header, layout: Layout, *, first_line: int, rows_before: int) -> _Block:
    texts, broken = _split_lines(content, first_line)
    lines = _check_lines(texts, header, layout)
    rows = lines.loc[lines["reason"].isna(), "text"]
    row_numbers = pd.Series(range(rows_before + 1, rows_before + len(rows) + 1), index=rows.index, dtype="Int64")
    fields = _split_fields(rows, header, layout)
    typed = pd.DataFrame({wanted.column: wanted.cells.parse(fields[wanted.column]) for wanted in layout.fields})
    bad_keys = _check_keys(fields, typed, header, layout)
    is_good = ~rows.index.isin(bad_keys.index)
    not_utf8 = pd.DataFrame(
        {"reason": "not_utf8", "detail": "the line holds bytes that are not UTF-8"}, index=broken.index, dtype="str"
    )
    faults = pd.concat([not_utf8, lines.loc[lines["reason"].notna(), ["reason", "detail"]], bad_keys]).sort_index()
    set_aside = faults.assign(
        raw_text=pd.concat([texts, broken]).reindex(faults.index), row_number=row_numbers.reindex(faults.index)
    )
    return _Block(
        rows=len(rows),
        frame=typed[is_good].assign(row_number=row_numbers[is_good], **_fingerprints(rows[is_good])),
        set_aside=set_aside.rename_axis("line_number").reset_index(),
        unreadable=_list_unreadable(fields[is_good], typed[is_good], header),
    )


def _split_lines(content: bytes, first_line: int) -> tuple["pd.Series[Any]", "pd.Series[Any]"]:
    """By line number: the lines that are not blank, and those that are not UTF-8 with their bad bytes replaced."""
    decoded = pd.Series(content.decode("utf-8", "surrogateescape").split("\n"), dtype=object)
    decoded.index += first_line
    is_broken = decoded.str.contains(_ESCAPED_BYTES)
    texts = decoded[~is_broken].astype("str").str.removesuffix("\r")
    broken = decoded[is_broken].str.encode("utf-8", "surrogateescape").str.decode("utf-8", "replace")
    return texts[texts.str.strip() != ""], broken.astype("str").str.removesuffix("\r")


def _check_lines(texts: "pd.Series[Any]", header: _Header, layout: Layout) -> pd.DataFrame:
    """Each line as `text` without an empty last field; `reason` and `detail` where its fields cannot be told."""
    bare = texts.str.replace(_QUOTED, "", regex=True) if layout.is_quoted else texts
    delimiters = pc.count_substring(pa.array(bare), layout.delimiter).to_numpy(zero_copy_only=False)
    count = pd.Series(delimiters, index=texts.index) + 1
    has_empty_end = (count == header.width + 1) & bare.str.endswith(layout.delimiter)
    count = count - has_empty_end
    lines = pd.DataFrame({"text": texts.mask(has_empty_end, texts.str[:-1])})
    lines["reason"] = pd.Series(None, index=texts.index, dtype="str")
    lines.loc[count < header.width, "reason"] = "too_few_fields"
    lines.loc[count > header.width, "reason"] = "too_many_fields"
    lines["detail"] = count.astype("str") + f" fields where the header has {header.width}"
    if layout.is_quoted:
        is_closed = texts.str.fullmatch(_quoted_line(layout.delimiter))
        lines.loc[~is_closed, ["reason", "detail"]] = "bad_quotes", "a quote inside a field, or one that never closes"
    return lines


def _quoted_line(delimiter: str) -> str:
    cell = rf'(?:[^"{delimiter}]*|"(?:[^"]|"")*")'
    return f"{cell}(?:{delimiter}{cell})*"


def _split_fields(rows: "pd.Series[Any]", header: _Header, layout: Layout) -> pd.DataFrame:
    """The layout's columns as texts without outer blanks, null where empty or not in the file."""
    if rows.empty:
        fields = pd.DataFrame(columns=list(header.positions.values()), index=rows.index, dtype="str")
    else:
        fields = pd.read_csv(
            io.StringIO("\n".join(rows)),
            sep=layout.delimiter,
            header=None,
            names=range(header.width),
            usecols=list(header.positions.values()),
            index_col=False,
            dtype="str",
            na_filter=False,
            skip_blank_lines=False,
            lineterminator="\n",
            quoting=layout.quoting,
        ).set_index(rows.index)
    absent = pd.Series(None, index=rows.index, dtype="str")
    return pd.DataFrame(
        {
            wanted.column: fields[header.positions[wanted.column]].str.strip().replace("", None)
            if wanted.column in header.positions
            else absent
            for wanted in layout.fields
        }
    )


def _check_keys(fields: pd.DataFrame, typed: pd.DataFrame, header: _Header, layout: Layout) -> pd.DataFrame:
    """`reason` and `detail` of the rows whose first bad key column is missing or cannot be read."""
    faults = []
    for wanted in (wanted for wanted in layout.fields if wanted.is_key):
        texts = fields.loc[typed[wanted.column].isna(), wanted.column]
        name = header.names[wanted.column]
        shown = f"{name} is '" + texts.str.slice(0, _SHOWN_CHARACTERS) + f"', which is not {wanted.cells.text}"
        fault = pd.DataFrame({"detail": shown.fillna(f"{name} is empty")})
        faults.append(fault.assign(reason=texts.isna().map({True: "missing_value", False: "unreadable_value"})))
    found = pd.concat(faults)
    return found[~found.index.duplicated()]


def _fingerprints(rows: "pd.Series[Any]") -> dict[str, "pd.Series[Any]"]:
    return {
        name: pd.Series(pd.util.hash_array(rows.to_numpy(dtype=object), hash_key=key, categorize=False), rows.index)
        for name, key in _FINGERPRINTS.items()
    }


def _list_unreadable(fields: pd.DataFrame, typed: pd.DataFrame, header: _Header) -> list[Unreadable]:
    is_lost = fields.notna() & typed.isna()
    found = []
    for column in is_lost.columns[is_lost.any()]:
        texts = fields.loc[is_lost[column], column]
        first_text = str(texts.iloc[0])[:_SHOWN_CHARACTERS]
        line = int(texts.index[0])
        found.append(Unreadable(header=header.names[column], count=len(texts), first_line=line, first_text=first_text))
    return found


def _merge_unreadable(blocks: Sequence[_Block]) -> tuple[Unreadable, ...]:
    """One entry a column, with the first place of all."""
    merged: dict[str, Unreadable] = {}
    for found in (found for block in blocks for found in block.unreadable):
        earlier = merged.get(found.header)
        merged[found.header] = replace(earlier, count=earlier.count + found.count) if earlier else found
    return tuple(merged.values())
