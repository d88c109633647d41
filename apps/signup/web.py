"""The pages of the sign-up service. They work without script, and GET never changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, jsonify, redirect, render_template, request, session, url_for
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.wrappers import Response as AnyResponse

from perdure import (
    InvalidRequest,
    LockConflict,
    PerdureError,
    UnavailableError,
    WorkflowAlreadyStarted,
    WorkflowClosed,
    WorkflowNotFound,
)
from signup.answers import Answer, Described, Peek, Resent
from signup.form import Form, read_form
from signup.guard import Guard
from signup.links import workflow_id_of
from signup.settings import Settings
from signup.workflow import Signup

if TYPE_CHECKING:
    from perdure import Client

_BODY_BYTES_MAX = 16_000
_LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"]

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address of a page may hold a token
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Opener-Policy": "same-origin",
}

_RESENT: Mapping[str, str] = {
    Resent.OK: "The mail is on its way again.",
    Resent.TOO_SOON: "A mail was sent just now. Wait a moment before you ask for another one.",
    Resent.LIMIT: "The mail was sent as often as we send it. Look into your spam folder, too.",
    Resent.NOT_PENDING: "There is nothing left to send.",
}

Page = str | AnyResponse | tuple[str | AnyResponse, int]


def create_app(settings: Settings, client: Client) -> Flask:
    """Return the service as a WSGI application, on a client that runs ``Signup``."""
    app = Flask(
        "signup", template_folder="templates", static_folder="static", root_path=str(__file__).rpartition("/")[0]
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=_BODY_BYTES_MAX,
        TRUSTED_HOSTS=_LOOPBACK_NAMES if settings.on_loopback else [settings.host],
        SESSION_COOKIE_NAME="signup",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.base_url.startswith("https:"),
    )
    app.register_blueprint(_pages(settings, _Desk(client)))
    app.after_request(_with_headers)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(UnavailableError, _unavailable)
    app.register_error_handler(LockConflict, _unavailable)
    return app


class _Desk:
    """What the pages ask of the sign-ups."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def take(self, form: Form) -> bool:
        """Start a sign-up, or find that this person has started it already; ``False``: the name is not available."""
        try:
            # The form is there from the first moment on: whoever asks next may come before the first state has run.
            self._client.start(
                Signup, form.workflow_id, form, id_reuse="allow_if_previous_failed", attributes={Signup.form: form}
            )
        except WorkflowAlreadyStarted:
            return self._client.get(Signup, form.workflow_id).call(Signup.waits_for, form.same_mailbox)
        return True

    def describe(self, workflow_id: str) -> Described | None:
        try:
            return self._client.get(Signup, workflow_id).call(Signup.describe)
        except WorkflowNotFound:
            return None

    def resend(self, workflow_id: str) -> Resent:
        try:
            return self._client.get(Signup, workflow_id).call(Signup.resend)
        except WorkflowClosed:
            return Resent.NOT_PENDING

    def peek(self, workflow_id: str, token: str) -> Peek:
        try:
            return self._client.get(Signup, workflow_id).call(Signup.peek, token)
        except (WorkflowNotFound, InvalidRequest):  # what a link names may be any text
            return Peek(Answer.INVALID, "")

    def verify(self, workflow_id: str, token: str) -> Peek:
        seen = self.peek(workflow_id, token)
        if seen.answer is not Answer.PENDING:
            return seen
        try:
            return Peek(self._client.get(Signup, workflow_id).call(Signup.verify, token, "link"), seen.email)
        except WorkflowClosed:  # between the two calls
            return self.peek(workflow_id, token)


def _pages(settings: Settings, desk: _Desk) -> Blueprint:
    pages = Blueprint("signup", __name__)
    guard = Guard(settings)

    @pages.before_request
    def refuse_other_sites() -> Page | None:
        if request.method == "POST" and guard.is_cross_site(request):
            return _problem("This came from another site", "Open the page here and send it again.", 403)
        return None

    @pages.get("/")
    @pages.get("/signup/submit")
    def start() -> Page:
        return redirect(url_for("signup.form"), 303)

    @pages.get("/signup")
    def form() -> Page:
        return form_page({}, {})

    def form_page(values: Mapping[str, str], errors: Mapping[str, str]) -> Page:
        page = render_template("form.html", values=values, errors=errors, seal=guard.seal(guard.visitor()))
        return page, 422 if errors else 200

    @pages.post("/signup/submit")
    def submit() -> Page:
        reading = read_form(request.form)
        if not guard.holds(request.form.get("seal", ""), guard.visitor()):
            return form_page(
                request.form, {"form": "The page was open for too long, or cookies are off. Send the form again."}
            )
        if reading.form is None:
            return form_page(request.form, reading.errors)
        if not desk.take(reading.form):
            return form_page(request.form, {"username": "This user name is not available. Choose another one."})
        found = desk.describe(reading.form.workflow_id)
        session["signup"] = (reading.form.workflow_id, found.signup if found else "")
        return redirect(url_for("signup.describe"), 303)

    def own_signup() -> Described | None:
        """Return the sign-up that this browser has started; not a later one by somebody else under the same name."""
        workflow_id, signup = session.get("signup", ("", ""))
        found = desk.describe(workflow_id) if workflow_id else None
        return found if found and found.signup == signup else None

    @pages.get("/signup/describe")
    def describe() -> Page:
        found = own_signup()
        if request.accept_mimetypes.best == "application/json":
            return (jsonify(asdict(found)), 200) if found else (jsonify(None), 404)
        if found is None:
            return redirect(url_for("signup.form"), 303)
        told = _RESENT.get(request.args.get("told", ""))
        seal = guard.seal(guard.visitor())
        return render_template(
            "describe.html", signup=found, told=told, reminders_max=settings.reminders_max, seal=seal
        )

    @pages.post("/signup/resend")
    def resend() -> Page:
        if own_signup() is None or not guard.holds(request.form.get("seal", ""), guard.visitor()):
            return redirect(url_for("signup.describe"), 303)
        return redirect(url_for("signup.describe", told=desk.resend(session["signup"][0])), 303)

    @pages.get("/signup/verify/<reference>/<token>")
    def verify_page(reference: str, token: str) -> Page:
        seen = desk.peek(workflow_id_of(reference) or "", token)
        return verify_answer(seen, token)

    @pages.post("/signup/verify/<reference>/<token>")
    def verify(reference: str, token: str) -> Page:
        workflow_id = workflow_id_of(reference) or ""
        if not guard.holds(request.form.get("seal", ""), token):  # what presses the button without having seen it
            return verify_answer(desk.peek(workflow_id, token), token, told="Please press the button once more.")
        return verify_answer(desk.verify(workflow_id, token), token)

    def verify_answer(seen: Peek, token: str, *, told: str = "") -> Page:
        return render_template("verify.html", state=seen.answer, email=seen.email, told=told, seal=guard.seal(token))

    return pages


def _with_headers(response: Response) -> Response:
    response.headers.update(_HEADERS)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def _problem(title: str, text: str, status: int) -> tuple[str, int]:
    return render_template("problem.html", title=title, text=text), status


def _http_problem(err: HTTPException) -> Page:
    if isinstance(err, SecurityError):  # a host name that is not ours: there are no addresses to build a page with
        return Response(err.description, 400, mimetype="text/plain")
    return _problem(err.name, err.description or "", err.code or 500)


def _unavailable(err: PerdureError) -> Page:
    return _problem("Try again in a moment", "Nothing is lost; we cannot reach our records just now.", 503)
