"""The frame of every page: title, navigation, theme, log-out."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui
from starlette.requests import Request

from services.control_api.dashboard.page import Page, Visit
from services.control_api.dashboard.session import role_of
from services.control_api.reading.desk import Desk
from services.control_api.security import Role

_THEMES = {"dark": True, "light": False}


def add_page(page: Page, pages: Sequence[Page], root: str, desk: Desk) -> None:
    """Have NiceGUI serve a page at its path."""

    @ui.page(page.path, title=f"{page.title} · Axiom", language="en-US")
    def show(request: Request) -> None:
        role = role_of(request) or Role.VIEWER  # the guard lets nobody else come here
        visit = Visit(desk, role, dict(request.query_params))
        ui.add_head_html(f'<link rel="stylesheet" href="{root}/own/dashboard.css">')
        ui.colors(primary="#2563eb", positive="#15803d", negative="#b91c1c", warning="#b45309")
        with ui.element("a").classes("skip").props('href="#main"'):
            ui.label("Skip to the content")
        with ui.element("div").classes("shell"):
            _top(role, root, request.cookies.get("axiom_theme"))
            _navigation(page, pages, root)
            with ui.element("div").classes("content").props('id="main" tabindex="-1"'):
                with ui.element("div").classes("head"):
                    heading(page.title, 1)
                    ui.label(page.about).classes("dim")
                page.build(visit)


def heading(text: str, level: int) -> ui.element:
    """A heading that screen readers know as one."""
    with ui.element(f"h{level}") as found:
        ui.label(text).classes("inline")
    return found


def _top(role: Role, root: str, theme: str | None) -> None:
    dark = ui.dark_mode(_THEMES.get(theme or ""))
    with ui.element("header").classes("top"):
        with ui.link(target="/").classes("brand").props('aria-label="Axiom: overview"'):
            ui.element("img").props(f'src="{root}/own/mark.svg" alt="" width="22" height="22"')
            ui.label("Axiom")
        ui.element("span").classes("grow")
        ui.label(role.name.lower()).classes("chip").props('data-role title="The role you are logged in with"')
        # Decided in the browser, which knows what it shows now when nobody has chosen yet.
        toggle = ui.button(icon="contrast", color=None).props('flat round dense aria-label="Dark or light"')

        async def switch() -> None:
            now = await ui.run_javascript("Quasar.Dark.isActive", timeout=5)
            dark.value = not now
            name = "light" if now else "dark"
            ui.run_javascript(
                f'document.cookie = "axiom_theme={name}; path={root}; max-age=31536000; samesite=strict"'
            )

        toggle.on_click(switch)
        with ui.element("form").props(f'method="post" action="{root}/logout"'):
            ui.button(icon="logout", color=None).props('flat round dense type="submit" aria-label="Log out"')


def _navigation(current: Page, pages: Sequence[Page], root: str) -> None:
    with ui.element("nav").props('aria-label="Pages"'):
        for page in pages:
            here = page is current
            link = ui.link(target=page.path).classes("here" if here else "")
            if here:
                link.props('aria-current="page"')
            with link:
                ui.icon(page.icon).props('aria-hidden="true"')
                ui.label(page.title)
    # On narrow windows the navigation is a line that scrolls.
    current_link = "document.querySelector('nav a.here')"
    ui.run_javascript(f"{current_link}.scrollIntoView({{inline: 'center', block: 'nearest'}})")
