import pytest

from signup.form import Form, read_form

GOOD = {"username": "ada", "email": "ada@example.org", "first_name": "Ada", "last_name": "Lovelace"}


def test_a_good_form() -> None:
    reading = read_form(GOOD)
    assert reading.form == Form("ada", "ada@example.org", "Ada", "Lovelace")
    assert reading.errors == {}


@pytest.mark.parametrize(
    ("field", "typed", "taken"),
    [
        ("username", "  ADA ", "ada"),
        ("username", "\uff41\uff44\uff41_1", "ada_1"),
        ("email", "Ada@Example.COM", "Ada@example.com"),
        ("email", "me@\uff24\uff4f\uff4d\uff41\uff49\uff4e.com", "me@domain.com"),
        ("email", "ada@exámple.com", "ada@xn--exmple-qta.com"),
        ("first_name", "J. R. 🙂", "J. R. 🙂"),
        ("last_name", " O'Neill-Żółć ", "O'Neill-Żółć"),
    ],
)
def test_what_is_made_of_what_was_typed(field: str, typed: str, taken: str) -> None:
    form = read_form({**GOOD, field: typed}).form
    assert form is not None
    assert getattr(form, field) == taken
    again = read_form({**GOOD, field: taken}).form
    assert again == form


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("username", ""),
        ("username", "ab"),
        ("username", "-ada"),
        ("username", "ada_"),
        ("username", "a" * 33),
        ("username", "ada lovelace"),
        ("username", "\u0430da"),
        ("username", "admin"),
        ("username", "<script>"),
        ("email", ""),
        ("email", "ada"),
        ("email", "ada@localhost"),
        ("email", "\u0430da@example.org"),
        ("email", "ada@example.org\nBcc: bob@example.org"),
        ("email", "a" * 65 + "@example.org"),
        ("email", "ada@example.org, bob@example.org"),
        ("first_name", ""),
        ("first_name", "x" * 101),
        ("first_name", "Ada\nBcc"),
        ("last_name", "Love\u202elace"),
        ("last_name", "buy at www.example.org"),
        ("last_name", "https://example.org"),
    ],
)
def test_what_is_refused_is_refused_at_its_field(field: str, typed: str) -> None:
    reading = read_form({**GOOD, field: typed})
    assert reading.form is None
    assert list(reading.errors) == [field]


def test_all_errors_are_told_at_once() -> None:
    assert set(read_form({}).errors) == {"username", "email", "first_name", "last_name"}


def test_two_spellings_are_one_mailbox() -> None:
    one, other = read_form(GOOD).form, read_form({**GOOD, "email": "ADA@EXAMPLE.org"}).form
    assert one is not None
    assert other is not None
    assert one.same_mailbox == other.same_mailbox
