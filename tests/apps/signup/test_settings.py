from datetime import timedelta

import pytest

from signup.settings import Settings, SettingsError, SmtpTls, duration

KEYS = {"SIGNUP_SECRET_KEY": "5e" * 32, "SIGNUP_TOKEN_KEYS": f"2:{'22' * 32}, 1:{'11' * 32}"}


def read(**variables: str) -> Settings:
    return Settings.from_environment({**KEYS, **{f"SIGNUP_{name}": value for name, value in variables.items()}})


def test_what_is_not_set_keeps_its_default_and_other_variables_are_nobodys_business() -> None:
    settings = Settings.from_environment({**KEYS, "HOME": "/home/ada"})
    assert settings.remind_every == timedelta(hours=24)
    assert settings.expire_after == timedelta(days=7)


def test_every_kind_of_setting_is_read() -> None:
    settings = read(
        REMIND_EVERY="2s",
        REMINDERS_MAX="1",
        SMTP_TLS="starttls",
        BASE_URL="https://example.org",
        MAIL_FROM="hello@example.org",
    )
    assert settings.remind_every == timedelta(seconds=2)
    assert settings.reminders_max == 1
    assert settings.smtp_tls is SmtpTls.STARTTLS
    assert settings.mail_domain == "example.org"
    assert not settings.on_loopback


def test_the_first_token_key_is_the_one_that_signs() -> None:
    assert list(read().token_keys) == [2, 1]


def test_keys_and_passwords_do_not_show() -> None:
    shown = repr(read(SMTP_PASSWORD="hunter2"))
    assert "hunter2" not in shown
    assert not any(key.decode() in shown for key in read().token_keys.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("1.5s", timedelta(seconds=1.5)),
        ("15m", timedelta(minutes=15)),
        (" 24 h ", timedelta(days=1)),
    ],
)
def test_durations(text: str, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "1h30m", "1 week"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        duration(text)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"REMIND_EVRY": "2s"}, "SIGNUP_REMIND_EVRY is not a setting"),
        ({"REMIND_EVERY": "soon"}, "SIGNUP_REMIND_EVERY: 'soon' is no duration"),
        ({"REMIND_EVERY": "0s"}, "remind_every is 0:00:00"),
        ({"REMIND_EVERY": "4d"}, "the last one would bring a dead link"),
        ({"BASE_URL": "http://example.org"}, "expected https"),
        ({"BASE_URL": "https://example.org/app"}, "expected scheme, host"),
        ({"BASE_URL": "example.org"}, "expected scheme, host"),
        ({"SECRET_KEY": "abcd"}, "secret_key has 2 bytes"),
        ({"SECRET_KEY": "not hex"}, "SIGNUP_SECRET_KEY: this is no hexadecimal key"),
        ({"TOKEN_KEYS": "1:abcd"}, "token key 1 has 2 bytes"),
        ({"TOKEN_KEYS": "abcd"}, "SIGNUP_TOKEN_KEYS: expected a number"),
        ({"TOKEN_KEYS": f"1:{'11' * 32},1:{'22' * 32}"}, "key 1 is there twice"),
        ({"SMTP_TLS": "maybe"}, "SIGNUP_SMTP_TLS"),
        ({"SMTP_PORT": "99999"}, "smtp_port is 99999"),
        ({"SMTP_USER": "ada", "SMTP_HOST": "mail.example.org"}, "in the clear"),
        ({"MAIL_FROM": "nobody"}, "expected an address"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_starts(variables: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(**variables)
    assert said in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"SIGNUP_SMTP_PORT": "many"})
    assert str(caught.value).count("\n  - ") == 3


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("REMINDERS_MAX", "x", "'x' is no whole number, expected one such as 3"),
        ("SMTP_TLS", "yes", "'yes' is unknown, expected one of off, starttls, ssl"),
    ],
)
def test_what_cannot_be_read_says_what_can(name: str, text: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(**{name: text})
    assert str(caught.value) == f"the settings cannot be used:\n  - SIGNUP_{name}: {told}"


def test_reminders_that_would_outlive_their_link_are_refused_with_what_to_set() -> None:
    with pytest.raises(SettingsError) as caught:
        read(EXPIRE_AFTER="10m", REMIND_EVERY="10m")
    assert str(caught.value) == (
        "the settings cannot be used:\n"
        "  - expire_after is 0:10:00, expected more than 3 reminders every 0:10:00: the last one would bring a dead link; "
        "set SIGNUP_EXPIRE_AFTER higher, or SIGNUP_REMIND_EVERY or SIGNUP_REMINDERS_MAX lower"
    )
