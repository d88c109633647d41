from perdure.wire.extension import heard, said


def test_what_is_said_is_heard() -> None:
    assert heard(said(waitMs=0, timeoutMs=None)) == {"version": 1, "waitMs": 0}


def test_nothing_is_heard_of_nothing_and_of_another_version() -> None:
    assert heard({}) is None
    assert heard({"perdure": {"waitMs": 0}}) is None
    assert heard({"perdure": {"version": 2, "waitMs": 0}}) is None
