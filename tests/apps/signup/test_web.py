"""The pages, over the real engine and a real mail server, through Flask's own client."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from perdure import connect
from signup.demo import utc_now
from signup.inbox import MailServer, MailStore
from signup.settings import Settings
from signup.web import create_app
from signup.workflow import Signup
from tests.apps.signup.browser import Page, page_of
from tests.apps.signup.waiting import wait_for
from tests.ports import quiet_port

ADA = {"username": "ada", "email": "Ada@example.org", "first_name": "Ada", "last_name": "Lovelace"}
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


class Service:
    """The application with all it needs, and the mails it sent."""

    def __init__(self, app: Flask, inbox: MailStore) -> None:
        self.app, self.inbox = app, inbox

    def visitor(self) -> "Visitor":
        return Visitor(self.app.test_client())

    def wait_for_link(self, number: int = 1) -> str:
        """Return the path of the link in the mail of that number."""
        mail = wait_for(
            lambda: found[number - 1] if len(found := self.inbox.mails()) >= number else None, f"mail {number}"
        )
        return mail.links[0].removeprefix("http://127.0.0.1:8000")

    def wait_for_subject(self, subject: str) -> None:
        wait_for(lambda: any(mail.subject == subject for mail in self.inbox.mails()), f"a mail {subject!r}")


class Visitor:
    """Somebody with a browser of his own."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def open(
        self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None, follow: bool = True
    ) -> Page:
        return self._page(path, self.client.open(path, method=method, headers=headers, follow_redirects=follow))

    def submit(
        self,
        page: Page,
        fields: dict[str, str] | None = None,
        *,
        headers: dict[str, str] | None = None,
        follow: bool = True,
    ) -> Page:
        (form,) = page.forms
        path = form.action or page.url
        answer = self.client.post(
            path,
            data={**form.fields, **(fields or {})},
            headers=SAME_ORIGIN if headers is None else headers,
            follow_redirects=follow,
        )
        return self._page(path, answer)

    def sign_up(self, **changes: str) -> Page:
        return self.submit(self.open("/signup"), {**ADA, **changes})

    def _page(self, path: str, answer: TestResponse) -> Page:
        with answer:
            return page_of(
                answer.request.path, status=answer.status_code, headers=dict(answer.headers), html=answer.text
            )


@pytest.fixture
def settings() -> Settings:
    return Settings(
        secret_key=bytes(32), token_keys={1: bytes(range(32))}, smtp_port=quiet_port(), resend_every=timedelta(hours=1)
    )


@pytest.fixture
def service(settings: Settings, tmp_path: Path) -> Iterator[Service]:
    inbox = MailStore(tmp_path / "inbox")
    server = MailServer(inbox, port=settings.smtp_port)
    server.start()
    with connect(f"sqlite:///{tmp_path / 'signup.db'}", Signup(settings, now=utc_now)) as client:
        app = create_app(settings, client)
        app.testing = True
        yield Service(app, inbox)
    server.stop()


def test_from_the_form_to_the_account(service: Service) -> None:
    ada = service.visitor()
    page = ada.sign_up()
    assert (page.url, page.heading) == ("/signup/describe", "Check your mail")
    assert "A***@example.org" in page.text
    link = service.wait_for_link()
    button = service.visitor().open(link)
    assert button.heading == "Confirm your e-mail address"
    assert service.visitor().submit(button).heading == "Your address is confirmed"
    service.wait_for_subject("Welcome")
    assert ada.open("/signup/describe").heading == "You are signed up"


def test_nothing_but_the_button_verifies(service: Service) -> None:
    ada, scanner = service.visitor(), service.visitor()
    ada.sign_up()
    link = service.wait_for_link()
    for method in ("GET", "HEAD", "OPTIONS"):
        assert scanner.open(link, method=method).status == 200
    for method in ("PUT", "DELETE", "PATCH"):
        assert scanner.open(link, method=method).status == 405
    assert scanner.client.post(link).status_code == 200  # the page again, with the button
    assert ada.open("/signup/describe").heading == "Check your mail"


def test_two_clicks_are_one_verification(service: Service) -> None:
    ada = service.visitor()
    ada.sign_up()
    button = ada.open(service.wait_for_link())
    assert ada.submit(button).heading == "Your address is confirmed"
    assert ada.submit(button).heading == "Already verified"
    service.wait_for_subject("Welcome")
    again = ada.submit(button)
    assert (again.status, again.heading) == (200, "Already verified")
    assert ada.open(button.url).heading == "Already verified"


def test_of_twenty_clicks_at_once_one_verifies(service: Service) -> None:
    ada = service.visitor()
    ada.sign_up()
    link = service.wait_for_link()

    def click(_: int) -> str:
        visitor = service.visitor()
        page = visitor.open(link)
        return (visitor.submit(page) if page.forms else page).heading

    with ThreadPoolExecutor(8) as pool:
        headings = sorted(pool.map(click, range(20)))
    assert headings == ["Already verified"] * 19 + ["Your address is confirmed"]
    service.wait_for_subject("Welcome")
    assert [mail.subject for mail in service.inbox.mails()].count("Welcome") == 1


@pytest.mark.parametrize(
    "spoil", [lambda token: token[:-1], lambda token: "_" + token[1:], lambda token: token[:-1] + "-", lambda _: "x"]
)
def test_a_link_that_was_not_sent_does_not_verify(service: Service, spoil: Callable[[str], str]) -> None:
    ada = service.visitor()
    ada.sign_up()
    head, _, token = service.wait_for_link().rpartition("/")
    page = ada.open(f"{head}/{spoil(token)}")
    assert (page.status, page.heading) == (200, "This link does not work")
    assert ada.open("/signup/describe").heading == "Check your mail"


@pytest.mark.parametrize(
    "path", ["/signup/verify/c2lnbnVwOm5vYm9keQ/" + "A" * 44, "/signup/verify/%25/x", "/signup/verify/_w/x"]
)
def test_a_link_of_nobody_says_no_more_than_a_wrong_one(service: Service, path: str) -> None:
    assert service.visitor().open(path).heading == "This link does not work"


def test_the_token_of_one_sign_up_does_not_verify_another(service: Service) -> None:
    ada, bob = service.visitor(), service.visitor()
    ada.sign_up()
    of_ada = service.wait_for_link(1)
    bob.sign_up(username="bob", email="bob@example.org")
    of_bob = service.wait_for_link(2)
    mixed = of_ada.rpartition("/")[0] + "/" + of_bob.rpartition("/")[2]
    assert bob.open(mixed).heading == "This link does not work"


def test_a_form_with_errors_comes_back_with_all_of_them(service: Service) -> None:
    ada = service.visitor()
    page = ada.submit(ada.open("/signup"), {"username": "x", "email": "<ada>", "first_name": "Ada", "last_name": ""})
    assert page.status == 422
    assert page.title.startswith("Error: ")
    assert page.text.count("Error:") == 1 + 3  # the title, and beside each field
    assert {"#username", "#email", "#last_name"} <= set(page.links)
    assert 'value="&lt;ada&gt;"' in page.html
    assert page.forms[0].fields["first_name"] == "Ada"
    for field in ("username", "email", "last_name"):
        assert re.search(rf'<input id="{field}"[^>]*aria-invalid="true"[^>]*{field}-error', page.html, re.DOTALL), field


def test_every_field_has_its_label_and_says_what_it_is_for(service: Service) -> None:
    html = service.visitor().open("/signup").html
    for field, purpose in {
        "username": "username",
        "email": "email",
        "first_name": "given-name",
        "last_name": "family-name",
    }.items():
        assert f'<label for="{field}">' in html
        assert re.search(rf'<input id="{field}"[^>]*autocomplete="{purpose}"', html, re.DOTALL)
    assert "<script" not in html


def test_the_same_form_sent_twice_is_one_sign_up(service: Service) -> None:
    ada = service.visitor()
    form = ada.open("/signup")
    assert ada.submit(form, ADA).heading == "Check your mail"
    assert ada.submit(form, ADA).heading == "Check your mail"
    assert service.visitor().sign_up(email="ada@example.org").heading == "Check your mail"
    service.wait_for_link()
    assert len(service.inbox.mails()) == 1


def test_a_name_that_somebody_else_waits_for_is_not_available(service: Service) -> None:
    service.visitor().sign_up()
    page = service.visitor().sign_up(email="bob@example.org")
    assert page.status == 422
    assert "This user name is not available." in page.text
    assert "ada@" not in page.text.lower()


def test_a_name_with_an_account_is_not_available(service: Service) -> None:
    ada = service.visitor()
    ada.sign_up()
    ada.submit(ada.open(service.wait_for_link()))
    service.wait_for_subject("Welcome")
    assert service.visitor().sign_up().status == 422
    assert service.visitor().sign_up(email="bob@example.org").status == 422


def test_the_mail_can_be_asked_for_again_but_not_at_once(service: Service) -> None:
    ada = service.visitor()
    page = ada.sign_up()
    first = service.wait_for_link(1)
    assert "The mail is on its way again." in ada.submit(page).text
    assert service.wait_for_link(2) == first
    assert "A mail was sent just now." in ada.submit(page).text


def test_without_a_sign_up_there_is_nothing_to_describe(service: Service) -> None:
    somebody = service.visitor()
    assert somebody.open("/signup/describe").url == "/signup"
    assert somebody.open("/signup/describe", headers={"Accept": "application/json"}).status == 404
    assert somebody.client.post("/signup/resend", headers=SAME_ORIGIN, follow_redirects=True).status_code == 200


def test_a_sign_up_describes_itself_to_programs_too(service: Service) -> None:
    ada = service.visitor()
    ada.sign_up()
    told = ada.client.get("/signup/describe", headers={"Accept": "application/json"}).json
    assert told is not None
    assert (told["username"], told["email"], told["status"], told["reminders"]) == (
        "ada",
        "A***@example.org",
        "pending",
        0,
    )


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}])
def test_a_form_sent_by_another_site_is_refused(service: Service, headers: dict[str, str]) -> None:
    ada = service.visitor()
    page = ada.submit(ada.open("/signup"), ADA, headers=headers)
    assert page.status == 403
    assert ada.open("/signup/describe").url == "/signup"


def test_a_form_that_this_browser_was_not_shown_is_not_taken(service: Service) -> None:
    ada, eve = service.visitor(), service.visitor()
    page = ada.submit(eve.open("/signup"), ADA)
    assert page.status == 422
    assert "Send the form again." in page.text
    assert ada.submit(page, ADA).heading == "Check your mail"


@pytest.mark.parametrize("path", ["/signup", "/signup/verify/x/y", "/nowhere", "/static/signup.css"])
def test_every_answer_is_closed_to_other_sites(service: Service, path: str) -> None:
    headers = service.visitor().open(path).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert ("no-store" in headers["Cache-Control"]) == (path != "/static/signup.css")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(service: Service) -> None:
    cookie = service.visitor().open("/signup").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_links_are_not_built_from_what_the_request_says_about_the_host(service: Service) -> None:
    assert service.visitor().open("/signup", headers={"Host": "evil.test"}).status == 400
    assert service.visitor().open("/signup", headers={"Host": "localhost:8000"}).status == 200


def test_a_form_without_end_is_not_read(service: Service) -> None:
    ada = service.visitor()
    assert ada.submit(ada.open("/signup"), {**ADA, "last_name": "x" * 20_000}).status == 413


def test_no_address_shows_in_any_url(service: Service) -> None:
    ada = service.visitor()
    page = ada.submit(ada.open("/signup"), ADA, follow=False)
    assert page.status == 303
    assert page.headers["Location"] == "/signup/describe"
    assert "example.org" not in service.wait_for_link()
