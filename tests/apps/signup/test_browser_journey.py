"""The same journey in a real browser: Debian's chromium, driven by Playwright, with script and without.

``make test`` installs chromium where root runs it; elsewhere ``apt-get install chromium``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, Protocol

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, sync_playwright

from tests.apps.signup.process import ADA, REMINDER, VERIFY, WELCOME, Demo

CHROMIUM = shutil.which("chromium")
FLAGS = """--headless --disable-gpu --no-first-run
--disable-quic --disable-background-networking --disable-component-update --disable-sync""".split()
if os.geteuid() == 0:
    FLAGS.append("--no-sandbox")  # its own sandbox does not start for root, as tests in a container are

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install chromium")
with_and_without_script = pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])

NARROW, WIDE = ViewportSize(width=320, height=640), ViewportSize(width=1280, height=800)

# Of every text on the page: the contrast with what is behind it, as WCAG 2 counts it; only those below 4.5.
FAINT_TEXTS = """() => {
  const channel = value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll('main *')].filter(element => [...element.childNodes].some(
    node => node.nodeType === 3 && node.data.trim())).map(element => {
      const [one, other] = [light(numbers(getComputedStyle(element).color)), light(behind(element))];
      return [element.textContent.trim(), (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)];
    }).filter(([text, contrast]) => contrast < 4.5);
}"""
SMALL_TARGETS = """() => [...document.querySelectorAll('input:not([type=hidden]), button, .button, nav a, a.link')]
  .filter(element => element.getBoundingClientRect().height < 44).map(element => element.outerHTML)"""


Scheme = Literal["light", "dark"]


class Visit(Protocol):
    """Opens a page of the service in a new window, of which nobody has a cookie yet."""

    def __call__(
        self, path: str, *, script: bool = True, size: ViewportSize = WIDE, scheme: Scheme = "light"
    ) -> Page: ...


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as driver:  # it makes an empty profile and throws it away
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path / "var", remind_every="2s")
    demo.start()
    yield demo
    demo.end()


@pytest.fixture
def visit(demo: Demo, chromium: Browser) -> Iterator[Visit]:
    with ExitStack() as windows:

        def visit(path: str, *, script: bool = True, size: ViewportSize = WIDE, scheme: Scheme = "light") -> Page:
            window = chromium.new_context(java_script_enabled=script, viewport=size, color_scheme=scheme)
            windows.callback(window.close)
            page = window.new_page()
            page.goto(f"http://127.0.0.1:{demo.port}{path}")
            return page

        yield visit


def fill_in(page: Page, **changes: str) -> None:
    form = {**ADA, **changes}
    page.get_by_label("User name").fill(form["username"])
    page.get_by_label("E-mail address").fill(form["email"])
    page.get_by_label("First name").fill(form["first_name"])
    page.get_by_label("Last name").fill(form["last_name"])


def press(page: Page, button: str) -> str:
    """Press the button, and return the heading of the page that comes."""
    with page.expect_navigation():
        page.get_by_role("button", name=button).click()
    return heading(page)


def follow(page: Page, link: Locator) -> str:
    with page.expect_navigation():
        link.click()
    return heading(page)


def heading(page: Page) -> str:
    return page.get_by_role("heading", level=1).inner_text()


@pytest.mark.parametrize(("script", "size"), [(True, NARROW), (False, WIDE)], ids=["script-narrow", "no-script-wide"])
def test_from_the_form_by_the_mail_to_the_welcome(demo: Demo, visit: Visit, script: bool, size: ViewportSize) -> None:
    page = visit("/", script=script, size=size)
    fill_in(page)
    assert press(page, "Sign up") == "Check your mail"
    demo.wait_for_mail(VERIFY)
    assert follow(page, page.get_by_role("link", name="Inbox of this demo")) == "Inbox"
    assert follow(page, page.get_by_role("link", name=VERIFY).last) == VERIFY
    assert follow(page, page.locator("a.link").first) == "Confirm your e-mail address"
    assert demo.mails(WELCOME) == [], "to look at the link is not to follow it"
    assert press(page, "Confirm my address") == "Your address is confirmed"
    demo.wait_for_mail(WELCOME)
    follow(page, page.get_by_role("link", name="Inbox of this demo"))
    assert page.get_by_role("link", name=WELCOME).count() == 1
    demo.assert_no_two_mails()


@with_and_without_script
def test_from_the_form_over_a_crash_and_a_reminder_to_the_welcome(demo: Demo, visit: Visit, script: bool) -> None:
    page = visit("/", script=script)
    fill_in(page)
    assert press(page, "Sign up") == "Check your mail"
    demo.wait_for_mail(VERIFY)
    demo.kill()
    demo.start()
    demo.wait_for_mail(REMINDER)

    inbox = visit("/inbox", script=script)
    follow(inbox, inbox.get_by_role("link", name=REMINDER).first)
    assert follow(inbox, inbox.locator("a.link").first) == "Confirm your e-mail address"
    assert press(inbox, "Confirm my address") == "Your address is confirmed"
    demo.wait_for_mail(WELCOME)
    page.reload()
    assert heading(page) == "You are signed up"
    inbox.reload()  # sends the form again
    assert heading(inbox) == "Already verified"
    demo.assert_no_two_mails()


@with_and_without_script
def test_the_keyboard_alone_is_enough(demo: Demo, visit: Visit, script: bool) -> None:
    page = visit("/signup", script=script, size=NARROW)
    tab_to(page, "input#username")
    for text in ADA.values():
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    assert page.locator("button:focus").inner_text() == "Sign up"
    with page.expect_navigation(url="**/signup/describe"):
        page.keyboard.press("Enter")
    demo.wait_for_mail(VERIFY)
    for link in ("nav a[href='/inbox']", ".mails a.link"):
        tab_to(page, link)
        with page.expect_navigation():
            page.keyboard.press("Enter")
    tab_to(page, "main button")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert heading(page) == "Your address is confirmed"
    demo.wait_for_mail(WELCOME)


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until the focus, which must be seen, is on the first that is wanted."""
    for _ in range(20):
        page.keyboard.press("Tab")
        outline = page.locator(":focus").evaluate("element => getComputedStyle(element).outlineWidth")
        assert outline == "3px", "the focus is not to be seen"
        if page.locator(wanted).first.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"no Tab leads to {wanted}")


def test_errors_are_where_the_eyes_and_the_keyboard_are(visit: Visit) -> None:
    page = visit("/signup")
    fill_in(page, username="a b", email="ada")
    press(page, "Sign up")
    assert page.title().startswith("Error: ")
    assert page.locator(".summary:focus").count() == 1
    page.get_by_role("link", name="Enter an e-mail address").click()
    assert page.locator("#email:focus").count() == 1
    assert page.get_by_label("First name").input_value() == "Ada", "what was right is still there"
    fill_in(page)
    assert press(page, "Sign up") == "Check your mail"


def test_the_back_button_and_a_second_press_make_no_second_sign_up(demo: Demo, visit: Visit) -> None:
    page = visit("/signup")
    fill_in(page)
    press(page, "Sign up")
    page.go_back()
    fill_in(page)
    assert press(page, "Sign up") == "Check your mail"
    demo.wait_for_mail(REMINDER)
    assert len(demo.mails(VERIFY)) == 1


def test_two_tabs_of_one_link(demo: Demo, visit: Visit) -> None:
    page = visit("/signup")
    fill_in(page)
    press(page, "Sign up")
    path = demo.wait_for_mail(VERIFY).links[0].partition(f":{demo.port}")[2]
    one, other = visit(path), visit(path)
    assert press(one, "Confirm my address") == "Your address is confirmed"
    assert press(other, "Confirm my address") == "Already verified"


@pytest.mark.parametrize(("scheme", "size"), [("light", NARROW), ("dark", WIDE)], ids=["light-narrow", "dark-wide"])
def test_every_page_can_be_read_and_hit(demo: Demo, visit: Visit, scheme: Scheme, size: ViewportSize) -> None:
    page = visit("/signup", size=size, scheme=scheme)
    check(page)
    press(page, "Sign up")
    check(page)
    fill_in(page)
    press(page, "Sign up")
    check(page)
    link = demo.wait_for_mail(VERIFY).links[0]
    for path in ("/inbox", "/inbox/1", "/nowhere", "/signup/verify/x/y"):
        page.goto(f"http://127.0.0.1:{demo.port}{path}")
        check(page)
    page.goto(link)
    check(page)
    press(page, "Confirm my address")
    check(page)


def check(page: Page) -> None:
    name = f"{page.title()} ({page.url})"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} must be scrolled sideways"
    assert page.evaluate(FAINT_TEXTS) == [], name
    assert page.evaluate(SMALL_TARGETS) == [], name
    assert page.locator("h1").count() == 1, name
    assert page.locator("html[lang=en]").count() == 1, name
