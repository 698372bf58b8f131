"""What a page is, and what it is given to be built with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from services.control_api.problems import Refused
from services.control_api.reading.desk import Desk
from services.control_api.reading.sources import Sources
from services.control_api.security import Role


@dataclass(frozen=True)
class Visit:
    """One opening of a page, by one person.

    Attributes:
        query: the parameters of the page's address.
    """

    desk: Desk
    role: Role
    query: Mapping[str, str]

    @property
    def sources(self) -> Sources:
        """The servers that are read."""
        return self.desk.reading.sources

    @property
    def may_steer(self) -> bool:
        """Whether buttons that change something are shown."""
        return self.role >= Role.OPERATOR

    def steering(self) -> None:
        """Call it before anything is changed, whatever the page showed.

        Raises:
            Refused: the visitor may not (403).
        """
        if not self.may_steer:
            raise Refused(
                HTTPStatus.FORBIDDEN, "this needs the role operator: log in with the operator's token"
            )


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        path: below the dashboard's root, such as `/prices`.
        icon: of Material Icons.
        about: one line under the title.
        order: its place in the navigation.
    """

    path: str
    title: str
    icon: str
    about: str
    order: int
    build: Callable[[Visit], object]
