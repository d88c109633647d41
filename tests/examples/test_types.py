"""The examples are what people copy: a type checker must know every expression in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

WITHOUT_TYPES = "iwf_signup"
"""iWF's way of reading an attribute, by a text, says nothing of its type: that is one reason for the native way."""


def test_no_expression_of_an_example_has_an_unknown_type() -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--disallow-any-expr", "--exclude", WITHOUT_TYPES, "examples"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
