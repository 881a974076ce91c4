"""CSV as spreadsheets read it: UTF-8 that says so, no cell that is taken for a formula, streamed row by row."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO

from flask import Response, stream_with_context

FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Spreadsheets take a file without this mark for their system's old character set.
BYTE_ORDER_MARK = "\ufeff"

CSV = "text/csv; charset=utf-8; header=present"

Cell = str | int | float | None


def answer(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Stream the rows as a download of that name."""
    response = Response(stream_with_context(lines(header, rows)), content_type=CSV)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Write one line after another (RFC 4180), every text that a spreadsheet would run made harmless."""
    yield BYTE_ORDER_MARK + _line(header)
    for row in rows:
        yield _line(row)


def row(columns: Sequence[str], cells: Mapping[str, Cell]) -> tuple[Cell, ...]:
    """Put the cells under their columns; what has none stays empty."""
    return tuple(cells.get(column) for column in columns)


def _line(row: Sequence[Cell]) -> str:
    buffer = StringIO()
    csv.writer(buffer).writerow([harmless(cell) for cell in row])
    return buffer.getvalue()


def harmless(cell: Cell) -> Cell:
    """Put an apostrophe before a text that a spreadsheet would take for a formula; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
