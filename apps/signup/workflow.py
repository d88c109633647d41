"""The whole business of a sign-up, from the form to the welcome, in one place.

    submit ─► mail ─► wait for click ─► welcome ─► done: the name is taken
               ▲            │  └──► failed, "expired": the name is free again
               └────────────┘ a reminder is due, or the mail was asked for again

Nothing here is a queue, a cron job or a table. What is written down is what the business says: send
a link, remind every so often, and stop once the address is verified or the time is over.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from perdure import (
    Attribute,
    Channel,
    Decision,
    Met,
    Retry,
    Wait,
    Workflow,
    after,
    any_of,
    at,
    complete,
    fail,
    go_to,
    rpc,
    state,
)
from signup.answers import Answer, Described, Peek, Resent, Status
from signup.form import Form
from signup.letters import Kind, Letter, Letters
from signup.links import link
from signup.mail import Delivery, Mailer, Outcome
from signup.settings import Settings
from signup.tokens import Claim, Tokens

log = logging.getLogger("signup")


@dataclass(frozen=True, slots=True)
class Errand:
    """A mail to be sent: which, and which one of its kind."""

    kind: Kind
    number: int
    put_off: int = 0
    """How often the mail server has been left alone for it."""


FIRST = Errand(Kind.VERIFY, 1)
MAIL_RETRY_MAX = timedelta(hours=1)


class Signup(Workflow[Form, str]):
    """One sign-up. While it runs its user name is reserved; once it has completed, the name is taken."""

    form: Attribute[Form] = Attribute()
    status: Attribute[Status] = Attribute(default=Status.PENDING, index="keyword")
    salt: Attribute[str] = Attribute()
    """What only this sign-up's links are made of."""
    reminders: Attribute[int] = Attribute(default=0, index="int")
    resends: Attribute[int] = Attribute(default=0)
    resent_at: Attribute[datetime | None] = Attribute(default=None)
    source: Attribute[str | None] = Attribute(default=None)

    verified: Channel[None] = Channel()
    again: Channel[None] = Channel()

    def __init__(self, settings: Settings, *, now: Callable[[], datetime]) -> None:
        self.settings, self.now = settings, now
        self.tokens, self.letters, self.mailer = Tokens(settings.token_keys), Letters(settings), Mailer(settings)

    @state(start=True)
    def submit(self, form: Form) -> Decision:
        """Write down what the links are made of, before the first one leaves: so no crash can make it a dead one."""
        self.form, self.status, self.salt = form, Status.PENDING, secrets.token_hex(16)
        return go_to(self.mail, FIRST)

    @state(retry=Retry(attempts=3, first=2), timeout=timedelta(minutes=5), recover="mail_later")
    def mail(self, errand: Errand) -> Decision:
        """Send the link. A crash in the middle may send it again: the same mail, with the same Message-ID."""
        if self.status == Status.VERIFIED:  # meanwhile, by an earlier mail
            return go_to(self.welcome)
        if self.send(errand).outcome is Outcome.PERMANENT and replace(errand, put_off=0) == FIRST:
            self.status = Status.UNDELIVERABLE  # nobody has a link, so nobody can be verifying it
            return fail("undeliverable")
        return go_to(self.wait_for_click)

    def until_mail_may_work(self, errand: Errand) -> Wait:
        pause = min(self.settings.mail_retry_every * 2 ** min(errand.put_off, 10), MAIL_RETRY_MAX)
        return any_of(self.verified, after(pause), at(self.expires_at(), name="expiry"))

    @state(wait=until_mail_may_work)
    def mail_later(self, errand: Errand, met: Met) -> Decision:
        """Leave a mail server alone that takes no mail, longer each time; then try again if it still matters."""
        if self.status == Status.VERIFIED:
            return go_to(self.welcome)
        if "expiry" in met:
            return go_to(self.wait_for_click)
        return go_to(self.mail, replace(errand, put_off=errand.put_off + 1))

    def until_something_happens(self) -> Wait:
        expiry = at(self.expires_at(), name="expiry")
        if self.reminders >= self.settings.reminders_max:
            return any_of(self.verified, self.again.drain(), expiry)
        return any_of(self.verified, self.again.drain(), expiry, after(self.settings.remind_every))

    @state(wait=until_something_happens, lock=[status])
    def wait_for_click(self, met: Met) -> Decision:
        """Decide what comes next. Nobody can verify while this decides, so it never decides on old news."""
        if self.status == Status.VERIFIED:  # whatever else has come at the same moment
            return go_to(self.welcome)
        if "expiry" in met:
            self.status = Status.EXPIRED
            return fail("expired")
        if self.again in met:
            return go_to(self.mail, Errand(Kind.VERIFY, 1 + self.resends))
        self.reminders += 1
        return go_to(self.mail, Errand(Kind.REMINDER, self.reminders))

    @state(retry=Retry(attempts=5, first=5, longest=60), timeout=timedelta(minutes=5), recover="done")
    def welcome(self) -> Decision:
        """Greet, as well as it goes: an account does not hang on a mail."""
        self.send(Errand(Kind.WELCOME, 1))
        return go_to(self.done)

    @state
    def done(self) -> Decision:
        return complete("verified")

    @rpc(lock=[status])
    def verify(self, token: str, source: str) -> Answer:
        """Verify the address, once; every later click is told that it is verified already."""
        answer = self.look(token).answer
        if answer is not Answer.PENDING:
            return answer
        self.status, self.source = Status.VERIFIED, source
        self.verified.publish()
        return Answer.VERIFIED

    @rpc(read_only=True)
    def peek(self, token: str) -> Peek:
        """Tell what a click would lead to, for the page behind the link; also long after the end."""
        return self.look(token)

    @rpc(lock=[status])
    def resend(self) -> Resent:
        """Ask for the mail once more: not too often, not too soon."""
        now = self.now()
        if self.status != Status.PENDING:
            return Resent.NOT_PENDING
        if self.resends >= self.settings.resends_max:
            return Resent.LIMIT
        if self.resent_at is not None and now < self.resent_at + self.settings.resend_every:
            return Resent.TOO_SOON
        self.resends, self.resent_at = self.resends + 1, now
        self.again.publish()
        return Resent.OK

    @rpc(read_only=True)
    def describe(self) -> Described:
        """Tell the person who signed up how it stands."""
        return Described(
            signup=self.run.first_run_id,
            username=self.form.username,
            email=self.form.masked_email,
            status=self.status,
            reminders=self.reminders,
            resends=self.resends,
            expires_at=self.expires_at(),
        )

    @rpc(read_only=True)
    def waits_for(self, mailbox: str) -> bool:
        """Say whether a second sign-up under this name is the same person, sending the form again."""
        return self.status == Status.PENDING and self.form.same_mailbox == mailbox

    def expires_at(self) -> datetime:
        return self.run.started_at + self.settings.expire_after

    def look(self, token: str) -> Peek:
        """Read a link: what it is good for, by what the sign-up knows of itself."""
        if not self.tokens.matches(token, self.claim()):
            return Peek(Answer.INVALID, "")
        answers = {Status.PENDING: Answer.PENDING, Status.VERIFIED: Answer.ALREADY}
        return Peek(answers.get(self.status, Answer.EXPIRED), self.form.masked_email)

    def claim(self) -> Claim:
        return Claim(
            salt=self.salt, workflow_id=self.run.workflow_id, run_id=self.run.first_run_id, email=self.form.same_mailbox
        )

    def send(self, errand: Errand) -> Delivery:
        """Hand a mail over. What can be tried again raises, and the state's retry policy does so."""
        token = self.tokens.make(self.claim())
        letter = Letter(
            kind=errand.kind,
            number=errand.number,
            workflow_id=self.run.workflow_id,
            run_id=self.run.first_run_id,
            form=self.form,
            link=link(self.settings.base_url, workflow_id=self.run.workflow_id, token=token),
            expires_at=self.expires_at(),
        )
        delivery = self.mailer.send(self.letters.write(letter), to=self.form.email)
        if delivery.outcome is Outcome.TEMPORARY:
            # What a mail server says may name the address, and logs, where errors end up too, are no place for that.
            reason = f"code {delivery.code}" if delivery.code else delivery.text
            log.warning("mail put off, will be tried again: %s %d, %s", errand.kind, errand.number, reason)
            raise MailPutOff(f"the mail server put off {errand.kind} {errand.number}: {reason}")
        return delivery


class MailPutOff(Exception):
    """The mail was not taken now; trying again is right."""
