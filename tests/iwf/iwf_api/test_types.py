from perdure.iwf.iwf_api.types import UNSET, given


def test_what_is_not_given_is_false_and_reads_so() -> None:
    assert not UNSET
    assert repr(UNSET) == "UNSET"
    assert given(UNSET) is None
    assert given(0) == 0
