"""A report as a document, and how it is written as Markdown and HTML. Pure.

Whatever comes from outside (titles, names, reasons) is text here and stays text: both ways escape it.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Rows under headings; columns of numbers stand right."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Plot:
    """A picture: its file's name without `.png`, what it shows in words, and the PNG's bytes."""

    name: str
    caption: str
    png: bytes


@dataclass(frozen=True)
class Section:
    """A heading and what is below it; `words` are sentences."""

    title: str
    words: Sequence[str] = ()
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()


@dataclass(frozen=True)
class Report:
    """A title, a line below it, and sections."""

    title: str
    about: str
    sections: Sequence[Section]

    @property
    def plots(self) -> list[Plot]:
        """Every picture."""
        return [plot for section in self.sections for plot in section.plots]


_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~!&$])")


def markdown(report: Report) -> str:
    """As GitHub-flavoured Markdown; pictures are files beside it."""
    parts = [f"# {_plain(report.title)}", _plain(report.about)]
    for section in report.sections:
        parts.append(f"## {_plain(section.title)}")
        parts += [_plain(words) for words in section.words]
        parts += [_markdown_table(table) for table in section.tables]
        parts += [f"![{_plain(plot.caption)}]({plot.name}.png)" for plot in section.plots]
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """Text that no Markdown reader takes for marks, links or HTML; on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def _markdown_table(table: Table) -> str:
    right = _right(table)
    lines = [
        [_plain(heading) for heading in table.headings],
        ["--:" if number else "---" for number in right],
        *([_plain(shown(cell)) for cell in row] for row in table.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(cell: Cell) -> str:
    """A cell as text: numbers with separators, fractions with up to four digits, nothing as a dash.

    >>> shown(12345), shown(0.5), shown(None)
    ('12,345', '0.5', '–')
    """
    match cell:
        case None:
            return "–"
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:,.4f}".rstrip("0").rstrip(".")
        case _:
            return cell


def _right(table: Table) -> list[bool]:
    columns = zip(*table.rows, strict=True) if table.rows else ([] for _ in table.headings)
    return [any(isinstance(cell, int | float) for cell in column) for column in columns]


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 62rem; margin: 2rem auto }
h1 { font-size: 1.6rem; margin-bottom: 0 }
h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #d9e2ec }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .8rem; border-bottom: 1px solid #e4e7eb; text-align: left; vertical-align: top }
th.n, td.n { text-align: right }
thead th { background: #f0f4f8 }
figure { margin: 1rem 0 }
img { max-width: 100% }
figcaption, .about { color: #52606d }
""".strip()


def page(report: Report) -> str:
    """As one HTML file that needs nothing beside it; no script, and a policy that allows none."""
    title = html.escape(report.title)
    body = "\n".join(_html_section(section) for section in report.sections)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        f'<p class="about">{html.escape(report.about)}</p>\n{body}\n</body>\n</html>\n'
    )


def _html_section(section: Section) -> str:
    parts = [f"<h2>{html.escape(section.title)}</h2>"]
    parts += [f"<p>{html.escape(words)}</p>" for words in section.words]
    parts += [_html_table(table) for table in section.tables]
    parts += [_html_plot(plot) for plot in section.plots]
    return "<section>\n" + "\n".join(parts) + "\n</section>"


def _html_table(table: Table) -> str:
    right = _right(table)

    def line(cells: Sequence[Cell], tag: str) -> str:
        pairs = zip(cells, right, strict=True)
        marked = (
            f"<{tag}{' class=n' if number else ''}>{html.escape(shown(cell))}</{tag}>"
            for cell, number in pairs
        )
        return f"<tr>{''.join(marked)}</tr>"

    rows = "\n".join(line(row, "td") for row in table.rows)
    return f"<table>\n<thead>{line(table.headings, 'th')}</thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _html_plot(plot: Plot) -> str:
    data = base64.b64encode(plot.png).decode()
    caption = html.escape(plot.caption)
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
