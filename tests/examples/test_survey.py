from __future__ import annotations

from examples.survey import Survey
from perdure.testing.environment import Environment


def test_all_are_asked_and_all_answers_count_once() -> None:
    asked: list[str] = []
    with Environment(Survey(asked.append)) as env:
        run = env.client.start(Survey, "food", ["ada", "bob"])
        env.settle()
        assert sorted(asked) == ["ada", "bob"]
        run.call(Survey.answer, "ada", 3)
        run.call(Survey.answer, "ada", stars=5)
        run.call(Survey.answer, "bob", 4)
        assert run.result() == {"ada": 5, "bob": 4}
