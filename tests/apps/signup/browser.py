"""A browser without script: fetches pages, follows links, fills in forms as they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, Request, build_opener


@dataclass
class Form:
    action: str = ""
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Page:
    url: str
    status: int
    headers: Mapping[str, str]
    html: str
    title: str = ""
    heading: str = ""
    text: str = ""
    links: list[str] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)


def page_of(url: str, *, status: int, headers: Mapping[str, str], html: str) -> Page:
    page = Page(url, status, headers, html)
    _Reader(page).feed(html)
    page.text = " ".join(page.text.split())
    return page


class Browser:
    """Keeps cookies, and says where its requests come from as today's browsers do."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def open(self, url: str) -> Page:
        return self._fetch(Request(urljoin(self.base_url, url)))

    def submit(self, page: Page, fields: Mapping[str, str] | None = None, *, form: int = 0) -> Page:
        """Fill in a form of *page* and send it; only fields that are there can be filled in."""
        found = page.forms[form]
        unknown = set(fields or {}) - set(found.fields)
        assert not unknown, f"the form has no {unknown}, only {list(found.fields)}"
        assert found.method == "post"
        body = urlencode({**found.fields, **(fields or {})}).encode()
        headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
        return self._fetch(Request(urljoin(page.url, found.action), data=body, headers=headers))

    def _fetch(self, request: Request) -> Page:
        try:
            response = self._opener.open(request, timeout=60)
        except HTTPError as err:
            response = err
        with response:
            return page_of(
                response.url, status=response.status, headers=dict(response.headers), html=response.read().decode()
            )


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._within: list[str] = []
        self._on: dict[str, Callable[[dict[str, str]], None]] = {
            "a": self._link,
            "form": self._form,
            "input": self._input,
        }

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within.append(tag)
        if tag in self._on:
            self._on[tag]({name: value or "" for name, value in attrs})

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self._page.text += data + " "
        if self._within[-1:] == ["title"]:
            self._page.title += data
        if self._within[-1:] == ["h1"]:
            self._page.heading += data

    def _link(self, attributes: dict[str, str]) -> None:
        self._page.links.append(attributes["href"])

    def _form(self, attributes: dict[str, str]) -> None:
        self._page.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get")))

    def _input(self, attributes: dict[str, str]) -> None:
        self._page.forms[-1].fields[attributes["name"]] = attributes.get("value", "")
