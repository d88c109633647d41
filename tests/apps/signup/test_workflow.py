"""The business under a clock in the test's hand: the real engine, a real mail server, no waiting."""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from perdure import UnavailableError, WorkflowAlreadyStarted, WorkflowClosed, WorkflowFailed
from perdure.testing.environment import Environment
from signup.answers import Answer, Resent, Status
from signup.form import Form
from signup.settings import Settings
from signup.workflow import Signup
from tests.apps.signup.mail_server import ScriptedMailServer, Taken
from tests.ports import quiet_port

ADA = Form("ada", "Ada@example.org", "Ada", "Lovelace")
VERIFY, REMINDER, WELCOME = (
    "Please confirm your e-mail address",
    "Reminder: please confirm your e-mail address",
    "Welcome",
)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
INSTANT = timedelta(milliseconds=1)


class Place:
    """An environment with sign-ups in it, and the mail server they use."""

    def __init__(self, env: Environment, server: ScriptedMailServer) -> None:
        self.env, self.server = env, server
        self.began = env.now()
        server.clock = env.now

    def start(self, form: Form = ADA) -> Any:
        handle = self.env.client.start(Signup, form.workflow_id, form, id_reuse="allow_if_previous_failed")
        self.env.settle()
        return handle

    def advance(self, duration: timedelta) -> None:
        self.env.advance(duration)

    @property
    def mails(self) -> list[tuple[str, timedelta]]:
        """What was sent, and how long after the beginning."""
        return [(taken.subject, taken.at - self.began) for taken in self.server.taken]  # type: ignore[operator]  # the clock's

    @property
    def subjects(self) -> list[str]:
        return [taken.subject for taken in self.server.taken]

    def token(self, mail: int = 0) -> str:
        return self.server.taken[mail].link.rpartition("/")[2]


Make = Callable[..., Place]


@pytest.fixture
def make() -> Iterator[Make]:
    """Make a place; all are cleared away at the end."""
    with ExitStack() as stack:

        def made(*, server: ScriptedMailServer | None = None, listens: bool = True, **changes: Any) -> Place:
            server = server or ScriptedMailServer()
            port = stack.enter_context(server.listening()) if listens else quiet_port()
            settings = settings_for(port, **changes)
            env = Environment(Signup(settings, now=lambda: env.now()))
            stack.enter_context(env)
            return Place(env, server)

        yield made


def settings_for(port: int, **changes: Any) -> Settings:
    return Settings(secret_key=bytes(32), token_keys={1: bytes(range(32))}, smtp_port=port, **changes)


# The straight way


def test_a_sign_up_that_is_verified_is_welcomed_and_done(make: Make) -> None:
    place = make()
    ada = place.start()
    assert place.mails == [(VERIFY, timedelta())]
    assert ada.call(Signup.verify, place.token(), "link") is Answer.VERIFIED
    assert ada.result() == "verified"
    assert place.subjects == [VERIFY, WELCOME]
    place.advance(10 * DAY)
    assert place.subjects == [VERIFY, WELCOME]
    assert ada.get(Signup.source) == "link"


def test_a_sign_up_tells_how_it_stands(make: Make) -> None:
    place = make()
    ada = place.start()
    place.advance(DAY)
    told = ada.call(Signup.describe)
    assert (told.username, told.email, told.status, told.reminders) == ("ada", "A***@example.org", Status.PENDING, 1)
    assert told.expires_at == place.began + WEEK
    ada.call(Signup.verify, place.token(), "link")
    ada.result()
    assert ada.call(Signup.describe).status is Status.VERIFIED


# Reminders and the end


def test_reminders_come_at_their_hour_and_then_the_sign_up_expires(make: Make) -> None:
    place = make()
    ada = place.start()
    place.advance(DAY - INSTANT)
    assert place.subjects == [VERIFY]
    place.advance(INSTANT)
    assert place.subjects == [VERIFY, REMINDER]
    place.advance(6 * DAY - INSTANT)
    assert place.mails == [(VERIFY, timedelta()), *((REMINDER, days * DAY) for days in (1, 2, 3))]
    assert ada.call(Signup.describe).status is Status.PENDING
    place.advance(INSTANT)
    with pytest.raises(WorkflowFailed):
        ada.result()
    assert ada.call(Signup.describe).status is Status.EXPIRED
    assert len(place.mails) == 4
    assert len({taken.message_id for taken in place.server.taken}) == 4
    assert len({taken.link for taken in place.server.taken}) == 1


@pytest.mark.parametrize("reminders", [1, 2, 3])
def test_no_reminder_follows_a_click_an_instant_before_it_is_due(make: Make, reminders: int) -> None:
    place = make()
    ada = place.start()
    place.advance(reminders * DAY - INSTANT)
    ada.call(Signup.verify, place.token(), "link")
    place.advance(WEEK)
    assert place.subjects == [VERIFY, *[REMINDER] * (reminders - 1), WELCOME]


@pytest.mark.parametrize("reminders", [1, 2, 3])
def test_the_link_of_any_mail_verifies_after_any_reminder(make: Make, reminders: int) -> None:
    place = make()
    ada = place.start()
    place.advance(reminders * DAY)
    assert ada.call(Signup.verify, place.token(mail=reminders // 2), "link") is Answer.VERIFIED
    place.advance(WEEK)
    assert place.subjects == [VERIFY, *[REMINDER] * reminders, WELCOME]


def test_a_click_while_the_reminder_is_on_its_way_is_the_end_of_reminders(make: Make) -> None:
    place = make()
    ada = place.start()

    def click(taken: Taken) -> None:
        if taken.subject == REMINDER:
            assert ada.call(Signup.verify, place.token(), "link") is Answer.VERIFIED

    place.server.before_answer = click
    place.advance(WEEK)
    assert place.subjects == [VERIFY, REMINDER, WELCOME]
    assert ada.result() == "verified"


@pytest.mark.parametrize(("before", "answer"), [(INSTANT, Answer.VERIFIED), (-INSTANT, Answer.EXPIRED)])
def test_at_the_end_a_click_and_the_sign_up_agree(make: Make, before: timedelta, answer: Answer) -> None:
    place = make()
    ada = place.start()
    place.advance(WEEK - before)
    if answer is Answer.VERIFIED:
        assert ada.call(Signup.verify, place.token(), "link") is answer
        assert ada.result() == "verified"
    else:
        with pytest.raises(WorkflowClosed):
            ada.call(Signup.verify, place.token(), "link")
        assert ada.call(Signup.peek, place.token()).answer is answer


def test_a_name_is_free_again_after_expiry_and_its_old_links_are_dead(make: Make) -> None:
    place = make()
    place.start()
    with pytest.raises(WorkflowAlreadyStarted):
        place.start()
    place.advance(WEEK)
    again = place.start()
    old, new = place.token(0), place.token(-1)
    assert old != new
    assert again.call(Signup.verify, old, "link") is Answer.INVALID
    assert again.call(Signup.verify, new, "link") is Answer.VERIFIED
    assert again.result() == "verified"
    with pytest.raises(WorkflowAlreadyStarted):
        place.start()


def test_fewer_or_no_reminders(make: Make) -> None:
    place = make(reminders_max=0)
    place.start()
    place.advance(WEEK)
    assert place.subjects == [VERIFY]


# Clicks


def test_every_click_after_the_first_is_told_that_it_is_verified(make: Make) -> None:
    place = make()
    ada = place.start()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: _click(ada, place.token()), range(50)))
    assert answers.count(Answer.VERIFIED) == 1
    assert answers.count(Answer.ALREADY) == 49
    assert ada.result() == "verified"
    assert place.subjects == [VERIFY, WELCOME]


def _click(handle: Any, token: str) -> Answer:
    try:
        answer: Answer = handle.call(Signup.verify, token, "link")
    except WorkflowClosed:  # the welcome was faster than this click
        answer = handle.call(Signup.peek, token).answer
    return answer


def test_a_wrong_token_verifies_nothing_and_is_told_nothing(make: Make) -> None:
    place = make()
    ada = place.start()
    for token in ("", "x" * 44, place.token()[:-1], place.token().swapcase()):
        assert ada.call(Signup.verify, token, "link") is Answer.INVALID
        assert ada.call(Signup.peek, token).email == ""
    assert ada.call(Signup.describe).status is Status.PENDING


def test_looking_at_a_link_changes_nothing(make: Make) -> None:
    place = make()
    ada = place.start()
    before = ada.attributes()
    seen = ada.call(Signup.peek, place.token())
    assert (seen.answer, seen.email) == (Answer.PENDING, "A***@example.org")
    assert ada.attributes() == before


def test_after_the_end_a_link_still_tells_what_it_was(make: Make) -> None:
    place = make()
    ada = place.start()
    ada.call(Signup.verify, place.token(), "link")
    ada.result()
    assert ada.call(Signup.peek, place.token()).answer is Answer.ALREADY


# Asking for the mail again


def test_the_mail_comes_again_with_the_same_link_and_the_reminder_a_day_after_it(make: Make) -> None:
    place = make()
    ada = place.start()
    place.advance(HOUR)
    assert ada.call(Signup.resend) is Resent.OK
    place.env.settle()
    assert place.mails == [(VERIFY, timedelta()), (VERIFY, HOUR)]
    assert place.token(0) == place.token(1)
    assert place.server.taken[0].message_id != place.server.taken[1].message_id
    place.advance(DAY)
    assert place.mails[2:] == [(REMINDER, HOUR + DAY)]


def test_the_mail_is_not_sent_again_too_soon_or_too_often(make: Make) -> None:
    place = make(resends_max=2)
    ada = place.start()
    answers = [ada.call(Signup.resend), ada.call(Signup.resend)]
    place.advance(timedelta(seconds=60) - INSTANT)
    answers.append(ada.call(Signup.resend))
    place.advance(INSTANT)
    answers.append(ada.call(Signup.resend))
    place.advance(HOUR)
    answers.append(ada.call(Signup.resend))
    assert answers == [Resent.OK, Resent.TOO_SOON, Resent.TOO_SOON, Resent.OK, Resent.LIMIT]
    assert place.subjects == [VERIFY] * 3


def test_nothing_is_sent_again_once_it_is_verified(make: Make) -> None:
    place = make()
    ada = place.start()
    ada.call(Signup.verify, place.token(), "link")
    place.env.settle()
    with pytest.raises(WorkflowClosed):
        ada.call(Signup.resend)


def test_asking_again_does_not_prolong_the_life_of_the_link(make: Make) -> None:
    place = make(reminders_max=0)
    ada = place.start()
    place.advance(WEEK - HOUR)
    ada.call(Signup.resend)
    place.advance(HOUR)
    assert ada.call(Signup.describe).status is Status.EXPIRED


def test_the_same_person_is_known_by_name_and_mailbox(make: Make) -> None:
    place = make()
    ada = place.start()
    assert ada.call(Signup.waits_for, "ada@example.org")
    assert not ada.call(Signup.waits_for, "bob@example.org")


# The mail server's bad days


def test_a_mail_that_is_put_off_is_sent_a_little_later_under_its_name(make: Make) -> None:
    place = make(server=ScriptedMailServer("451 come back", "451 come back"))
    place.start()
    assert place.subjects == []
    place.advance(timedelta(seconds=6))
    assert place.mails == [(VERIFY, timedelta(seconds=6))]
    place.advance(DAY - timedelta(seconds=6))
    assert place.subjects == [VERIFY], "the day counts from the mail that was taken"


def test_a_mail_server_that_is_down_is_left_alone_and_tried_again(make: Make) -> None:
    place = make(server=ScriptedMailServer(*["421 down"] * 9))
    place.start()
    place.advance(HOUR)
    (mail,) = place.mails
    assert mail == (VERIFY, timedelta(minutes=5 + 10 + 20, seconds=3 * 6))


def test_a_mail_that_is_put_off_is_told_to_the_log_without_the_address(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    make(server=ScriptedMailServer("451 <Ada@example.org> come back")).start()
    assert [record.getMessage() for record in caplog.records if record.name == "signup"] == [
        "mail put off, will be tried again: verify 1, code 451"
    ]
    assert "example.org" not in caplog.text


def test_nobody_listens_until_it_expires(make: Make) -> None:
    place = make(listens=False)
    ada = place.start()
    place.advance(WEEK + HOUR)
    assert place.subjects == []
    assert ada.call(Signup.describe).status is Status.EXPIRED


def test_a_click_while_a_reminder_cannot_be_sent_calls_it_off(make: Make) -> None:
    place = make()
    ada = place.start()
    place.server.answers = ["421 down"] * 4
    place.advance(DAY + timedelta(minutes=1))
    assert place.subjects == [VERIFY]
    ada.call(Signup.verify, place.token(), "link")
    assert ada.result() == "verified"
    assert place.subjects == [VERIFY, WELCOME]


def test_an_address_that_does_not_exist_ends_the_sign_up_and_frees_the_name(make: Make) -> None:
    place = make(server=ScriptedMailServer("550 no such user", at="RCPT"))
    ada = place.start()
    assert ada.call(Signup.describe).status is Status.UNDELIVERABLE
    again = place.start(Form("ada", "ada@example.net", "Ada", "Lovelace"))
    assert again.call(Signup.verify, place.token(), "link") is Answer.VERIFIED


def test_a_reminder_that_is_refused_does_not_end_the_sign_up(make: Make) -> None:
    place = make()
    ada = place.start()
    place.server.answers = ["552 mailbox full"]
    place.advance(2 * DAY)
    assert place.mails == [(VERIFY, timedelta()), (REMINDER, 2 * DAY)]
    assert ada.call(Signup.verify, place.token(), "link") is Answer.VERIFIED


def test_an_account_does_not_hang_on_the_welcome(make: Make) -> None:
    place = make()
    ada = place.start()
    place.server.answers = ["421 down"] * 5
    ada.call(Signup.verify, place.token(), "link")
    assert ada.result() == "verified"
    assert place.subjects == [VERIFY]


# Crashes


def test_a_crash_while_it_waits_changes_nothing(make: Make) -> None:
    place = make()
    ada = place.start()
    for _ in range(3):
        place.env.restart()
        place.advance(DAY)
    ada.call(Signup.verify, place.token(), "link")
    place.env.settle()
    place.env.restart()
    assert ada.result() == "verified"
    assert place.mails == [(VERIFY, timedelta()), *((REMINDER, days * DAY) for days in (1, 2, 3)), (WELCOME, 3 * DAY)]


@pytest.mark.parametrize("subject", [VERIFY, REMINDER, WELCOME])
def test_a_crash_between_the_mail_servers_yes_and_ours_repeats_the_very_same_mail(make: Make, subject: str) -> None:
    place = make()
    ada = place.env.client.get(Signup, ADA.workflow_id)
    restarted = Event()

    def crash(taken: Taken) -> None:
        if taken.subject == subject and not restarted.is_set():
            place.env.restart()
            restarted.set()

    def through_the_crash(action: Callable[[], object]) -> None:
        with suppress(UnavailableError, CancelledError):  # the engine dies in the middle of what it is asked
            action()
            place.env.settle()
            return
        assert restarted.wait(60)
        place.env.settle()

    place.server.before_answer = crash
    through_the_crash(place.start)
    through_the_crash(lambda: place.advance(DAY))
    ada.call(Signup.verify, place.token(), "link")
    through_the_crash(ada.result)
    assert ada.result() == "verified"
    assert sorted(place.subjects) == sorted([VERIFY, REMINDER, WELCOME, subject])
    first, second = (taken for taken in place.server.taken if taken.subject == subject)
    assert first.message_id == second.message_id
    if subject != WELCOME:
        assert first.link == second.link


def test_after_days_of_downtime_one_reminder_comes_and_not_three(tmp_path: Path) -> None:
    server = ScriptedMailServer()
    with server.listening() as port:
        workflow = Signup(settings_for(port), now=lambda: env.now())
        with Environment(workflow, path=tmp_path / "signup.db") as env:
            Place(env, server).start()
            stopped = env.now()
        with Environment(workflow, path=tmp_path / "signup.db", start=stopped + 5 * DAY) as env:
            env.settle()
            assert [taken.subject for taken in server.taken] == [VERIFY, REMINDER]
            env.advance(DAY)
            assert [taken.subject for taken in server.taken] == [VERIFY, REMINDER, REMINDER]


def test_after_a_downtime_beyond_the_end_there_is_no_mail_with_a_dead_link(tmp_path: Path) -> None:
    server = ScriptedMailServer()
    with server.listening() as port:
        workflow = Signup(settings_for(port), now=lambda: env.now())
        with Environment(workflow, path=tmp_path / "signup.db") as env:
            Place(env, server).start()
            stopped = env.now()
        with Environment(workflow, path=tmp_path / "signup.db", start=stopped + 30 * DAY) as env:
            env.settle()
            assert [taken.subject for taken in server.taken] == [VERIFY]
            assert env.client.get(Signup, ADA.workflow_id).call(Signup.describe).status is Status.EXPIRED
