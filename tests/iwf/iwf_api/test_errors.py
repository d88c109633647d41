from perdure.iwf.iwf_api.errors import UnexpectedStatus


def test_it_says_what_came_back() -> None:
    error = UnexpectedStatus(420, b"later")

    assert str(error) == "status 420: later"
    assert (error.status_code, error.content) == (420, b"later")
