from perdure.iwf.persistence_options import PersistenceOptions


def test_nothing_is_cached_unless_it_is_said() -> None:
    assert PersistenceOptions.get_default() == PersistenceOptions(enable_caching=False)
