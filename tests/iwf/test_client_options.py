from perdure.iwf.client_options import ClientOptions
from perdure.iwf.object_encoder import ObjectEncoder


def test_the_default_is_this_machine() -> None:
    assert ClientOptions.local_default() == ClientOptions(
        "http://localhost:8801", "http://localhost:8802", ObjectEncoder.default, 60, 10
    )
