from __future__ import annotations

import pytest

from perdure import ConversionError
from perdure.authoring.definition import Role
from tests.authoring.onboarding import Person, definition, sealed


def test_a_method_knows_its_input() -> None:
    post = definition().states["post"]
    assert [(parameter.name, parameter.role) for parameter in post.handler.parameters] == [
        ("met", Role.MET),
        ("person", Role.INPUT),
    ]
    assert (post.input_type, post.takes_nothing) == (Person, False)
    listen = definition().states["listen"]
    assert (listen.input_type, listen.takes_nothing) == (None, True)


def test_values_of_a_run_are_sealed_and_opened_by_its_types() -> None:
    ada = Person("ada", "a@b")
    assert definition().encode_input(ada) == sealed('{"name":"ada","email":"a@b"}')
    assert definition().decode_output(sealed('"done"')) == "done"
    assert definition().decode_rpc_output(definition().rpcs["upgrade"], sealed('"paid"')) == "paid"
    with pytest.raises(ConversionError, match="output of Onboarding: found int 3, expected str"):
        definition().decode_output(sealed("3"))
    with pytest.raises(ConversionError, match=r"output of Onboarding\.upgrade: found int 3, expected str"):
        definition().decode_rpc_output(definition().rpcs["upgrade"], sealed("3"))
