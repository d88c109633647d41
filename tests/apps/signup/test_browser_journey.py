"""The same journey in a real browser: Debian's chromium, driven by Playwright, with script switched off.

Playwright is in no lock: ``pip install playwright`` into the environment, and ``apt install chromium``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apps.signup.process import ADA, REMINDER, VERIFY, WELCOME, Demo

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
CHROMIUM = shutil.which("chromium")

pytestmark = [pytest.mark.long, pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")]

NARROW, WIDE = {"width": 320, "height": 640}, {"width": 1280, "height": 800}

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


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path / "var", remind_every="2s")
    demo.start()
    yield demo
    demo.end()


@pytest.fixture
def visit(demo: Demo) -> Iterator[Callable[..., Any]]:
    """Open a new browser window of some kind at a path of the service."""
    with playwright.sync_playwright() as driver:
        # Chromium's own sandbox does not start for root, as tests in a container are.
        unsandboxed = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=unsandboxed)

        def visit(path: str, **kind: Any) -> Any:
            page = chromium.new_context(java_script_enabled=False, **kind).new_page()
            page.goto(f"http://127.0.0.1:{demo.port}{path}")
            return page

        yield visit
        chromium.close()


def fill_in(page: Any, **changes: str) -> None:
    form = {**ADA, **changes}
    page.get_by_label("User name").fill(form["username"])
    page.get_by_label("E-mail address").fill(form["email"])
    page.get_by_label("First name").fill(form["first_name"])
    page.get_by_label("Last name").fill(form["last_name"])


def press(page: Any, button: str) -> str:
    page.get_by_role("button", name=button).click()
    return heading(page)


def heading(page: Any) -> str:
    text: str = page.get_by_role("heading", level=1).inner_text()
    return text


def test_from_the_form_over_a_crash_and_a_reminder_to_the_welcome(demo: Demo, visit: Callable[..., Any]) -> None:
    page = visit("/")
    fill_in(page)
    assert press(page, "Sign up") == "Check your mail"
    demo.wait_for_mail(VERIFY)
    demo.kill()
    demo.start()
    demo.wait_for_mail(REMINDER)

    inbox = visit("/inbox")
    inbox.get_by_role("link", name=REMINDER).first.click()
    inbox.locator("a.link").first.click()
    assert heading(inbox) == "Confirm your e-mail address"
    assert press(inbox, "Confirm my address") == "Your address is confirmed"
    demo.wait_for_mail(WELCOME)
    page.reload()
    assert heading(page) == "You are signed up"
    inbox.reload()  # sends the form again
    assert heading(inbox) == "Already verified"
    demo.assert_no_two_mails()


def test_the_keyboard_alone_is_enough(demo: Demo, visit: Callable[..., Any]) -> None:
    page = visit("/signup")
    page.get_by_label("User name").focus()
    for text in ADA.values():
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/signup/describe")
    page.goto(demo.wait_for_mail(VERIFY).links[0])
    while page.locator("button:focus").count() == 0:
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your address is confirmed").wait_for()


def test_errors_are_where_the_eyes_and_the_keyboard_are(visit: Callable[..., Any]) -> None:
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


def test_the_back_button_and_a_second_press_make_no_second_sign_up(demo: Demo, visit: Callable[..., Any]) -> None:
    page = visit("/signup")
    fill_in(page)
    press(page, "Sign up")
    page.go_back()
    fill_in(page)
    assert press(page, "Sign up") == "Check your mail"
    demo.wait_for_mail(REMINDER)
    assert len(demo.mails(VERIFY)) == 1


def test_two_tabs_of_one_link(demo: Demo, visit: Callable[..., Any]) -> None:
    page = visit("/signup")
    fill_in(page)
    press(page, "Sign up")
    path = demo.wait_for_mail(VERIFY).links[0].partition(f":{demo.port}")[2]
    one, other = visit(path), visit(path)
    assert press(one, "Confirm my address") == "Your address is confirmed"
    assert press(other, "Confirm my address") == "Already verified"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_every_page_can_be_read_and_hit(
    demo: Demo, visit: Callable[..., Any], scheme: str, size: dict[str, int]
) -> None:
    page = visit("/signup", color_scheme=scheme, viewport=size)
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


def check(page: Any) -> None:
    name = f"{page.title()} ({page.url})"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} must be scrolled sideways"
    assert page.evaluate(FAINT_TEXTS) == [], name
    assert page.evaluate(SMALL_TARGETS) == [], name
    assert page.locator("h1").count() == 1, name
    assert page.locator("html[lang=en]").count() == 1, name
