"""The address that a mail's link leads to, and back."""

from __future__ import annotations

import base64
import binascii


def link(base_url: str, *, workflow_id: str, token: str) -> str:
    """Return the link of a mail. It names the sign-up in letters that are safe in a URL, never an address."""
    reference = base64.urlsafe_b64encode(workflow_id.encode()).decode().rstrip("=")
    return f"{base_url}/signup/verify/{reference}/{token}"


def workflow_id_of(reference: str) -> str | None:
    """Return the sign-up that a link names; ``None`` if it names none."""
    try:
        raw = base64.b64decode(reference + "=" * (-len(reference) % 4), altchars=b"-_", validate=True)
        return raw.decode()
    except (ValueError, binascii.Error):
        return None
