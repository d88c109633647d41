"""Keeps other sites from submitting our forms in a visitor's name."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Request, session
from itsdangerous import BadSignature, URLSafeSerializer

from signup.settings import Settings


class Guard:
    """Signs forms as they are shown, and checks them as they come back."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._serializer = URLSafeSerializer(settings.secret_key, salt="form-v1")

    def seal(self, about: str) -> str:
        """Return a value for a hidden field. It shows that the page was fetched before it was sent."""
        return str(self._serializer.dumps(about))

    def holds(self, seal: str, about: str) -> bool:
        try:
            sealed = self._serializer.loads(seal)
        except BadSignature:
            return False
        return isinstance(sealed, str) and secrets.compare_digest(sealed.encode(), about.encode())

    def visitor(self) -> str:
        """Return what tells this browser from others: a random value in its signed cookie."""
        if "visitor" not in session:
            session["visitor"] = secrets.token_urlsafe(16)
        return str(session["visitor"])

    def is_cross_site(self, request: Request) -> bool:
        """Say whether a browser tells us that another site made it send this request.

        A request that tells nothing (an old browser, a command line) is not refused here: the seal decides.
        """
        if (site := request.headers.get("Sec-Fetch-Site")) is not None:
            return site != "same-origin"
        origin = request.headers.get("Origin", "null")  # "null" is what our own no-referrer pages send
        return origin != "null" and not self._is_own(origin, request)

    def _is_own(self, origin: str, request: Request) -> bool:
        return origin == self._settings.base_url or urlsplit(origin).netloc == request.host
