"""Tables: what a column shows, and how a cell of each kind is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nicegui import events, ui

Kind = Literal["text", "name", "clip", "number", "state", "spark", "open", "long"]
Row = Mapping[str, Any]

_OPEN = """<q-td :props="props"><button type="button" class="open"
    @click="$parent.$emit('open', props.key)">{{ props.value }}</button></q-td>"""
_SLOTS: Mapping[str, str] = {
    "clip": """<q-td :props="props" :title="props.value">{{ props.value }}</q-td>""",
    "state": """<q-td :props="props">
        <span class="state" :class="props.row[props.col.name + '_tone']">{{ props.value }}</span></q-td>""",
    "spark": """<q-td :props="props"><svg class="spark" :class="props.row[props.col.name + '_tone']"
        viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true"><path :d="props.value" /></svg>
        </q-td>""",
    "open": _OPEN,
    "long": _OPEN,
}


@dataclass(frozen=True)
class Column:
    """A column; its cells are `row[name]`, and a state's or sparkline's colour is `row[name + "_tone"]`.

    Attributes:
        kind: `name` is kept on one line; `clip` takes the width that is left, and cuts what is longer;
            `open` can be clicked, and so can `long`, which takes several lines.
        sort: the field to sort by where the shown text sorts wrongly.
        wide: left out on narrow screens.
    """

    name: str
    label: str
    kind: Kind = "text"
    sort: str = ""
    wide: bool = False

    def as_props(self) -> dict[str, Any]:
        """As Quasar takes it."""
        classes = f"cell-{self.kind}{' wide' if self.wide else ''}"
        return {
            "name": self.name,
            "label": self.label,
            "field": self.name,
            "align": "right" if self.kind == "number" else "left",
            "sortable": self.kind != "spark",
            "classes": classes,
            "headerClasses": classes,
        } | ({":sort": f"(a, b, x, y) => x.{self.sort} - y.{self.sort}"} if self.sort else {})


def table(
    columns: Sequence[Column],
    *,
    key: str,
    label: str,
    rows: Sequence[Row] = (),
    page: int = 0,
    opened: Callable[[str], Any] | None = None,
) -> ui.table:
    """A table. `key`: the field that names a row; `page`: rows of a page (0: all).

    `opened` is called with the key of a row whose cell of kind `open` was clicked.
    """
    made = ui.table(
        rows=[dict(row) for row in rows],
        columns=[column.as_props() for column in columns],
        row_key=key,
        pagination={"rowsPerPage": page} if page else None,
    )
    made.props("flat dense square hide-no-data role=region").props["aria-label"] = label
    for column in columns:
        if column.kind in _SLOTS:
            made.add_slot(f"body-cell-{column.name}", _SLOTS[column.kind])
    if opened is not None:
        made.on("open", lambda event: opened(_text(event)))
    return made


def show_rows(made: ui.table, rows: Sequence[Row]) -> None:
    """Show these rows; nothing is sent where they are as before."""
    fresh = [dict(row) for row in rows]
    if fresh != made.rows:
        made.rows = fresh


def _text(event: events.GenericEventArguments) -> str:
    found = event.args[0] if isinstance(event.args, list) else event.args
    return str(found)
