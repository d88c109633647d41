from __future__ import annotations

from pathlib import Path

import pytest

from perdure.engine.engine import open_engine
from perdure.engine.rules import claim_rules
from perdure.interpreter import chain
from perdure.interpreter.rules import RULES_VERSION
from perdure.model.attributes import DataAttribute
from perdure.model.errors import InternalError, UnavailableError
from perdure.model.options import RetryPolicy, StateOptions
from perdure.model.outcome import RunStatus
from perdure.model.value import Message
from perdure.store.store import Store
from tests.engine.script import ADA, Worker, done, signal_on, starting, straight, text, wait_for
from tests.engine.stage import EngineStage


def test_file_says_the_newest_rules_it_has_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = Store.open(path)
    assert store.rules() == 0, "of a file that no engine has had"
    claim_rules(store, path)
    claim_rules(store, path)
    assert store.rules() == RULES_VERSION
    claim_rules(store, path, version=RULES_VERSION + 1)
    store.close()
    newer = f"runs under rules of version {RULES_VERSION + 1}, this release knows versions up to {RULES_VERSION}"
    for _ in range(2):
        with pytest.raises(UnavailableError, match=newer):
            open_engine(path, Worker())


async def started_under(rules: int, stage: EngineStage[Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a run that waits for a letter, begun under other rules, and let the release come after it."""
    monkeypatch.setattr(chain, "RULES_VERSION", rules)
    await stage.backend.start(starting("only", state=StateOptions()))
    monkeypatch.undo()
    await stage.settle()
    await stage.crash()
    await stage.settle()


def journal(stage: EngineStage[Worker]) -> list[str]:
    store = stage.engine.store
    return [row.event.kind for row in store.journal(store.current_runs([ADA])[ADA].key)]


async def test_run_adopts_newer_rules_when_it_is_woken_and_once(
    stage: EngineStage[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.worker.script = {"only?": wait_for(signal_on("letters")), "only": done("end")}
    await started_under(RULES_VERSION - 1, stage, monkeypatch)
    assert journal(stage) == ["started", "call-succeeded"], "nobody has asked for it"
    await stage.backend.set_data_attributes(ADA, [DataAttribute("k", text("v"))])
    assert journal(stage) == ["started", "call-succeeded", "resumed", "attributes-set"]
    *_, adopted, _ = await stage.backend.history(ADA)
    assert (adopted.actor, adopted.texts("cause"), adopted.texts("rules")) == (
        "engine",
        ("rules",),
        (str(RULES_VERSION),),
    )
    await stage.crash()
    await stage.backend.signal(ADA, Message("letters"))
    assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED
    assert journal(stage).count("resumed") == 1


async def test_calls_under_way_are_counted_on_when_rules_are_adopted(
    stage: EngineStage[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "RULES_VERSION", RULES_VERSION - 1)
    await stage.backend.start(starting(state=straight(RetryPolicy(maximum_attempts=2))))
    await stage.settle()
    monkeypatch.undo()
    await stage.crash()
    await stage.settle()
    assert journal(stage) == ["started", "resumed"]
    assert len(stage.worker.requests) == 2, "once in each life"
    stage.worker.answer(done("end"))
    assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED
    assert journal(stage) == ["started", "resumed", "call-succeeded"]


async def test_ended_run_stays_under_its_rules(stage: EngineStage[Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "RULES_VERSION", RULES_VERSION - 1)
    stage.worker.script = {"only": done("end")}
    await stage.backend.start(starting())
    monkeypatch.undo()
    await stage.backend.wait_for_result(ADA)
    await stage.crash()
    assert (await stage.backend.wait_for_result(ADA)).status is RunStatus.COMPLETED
    assert journal(stage) == ["started", "call-succeeded"]


async def test_run_under_newer_rules_is_quarantined_naming_both_versions(
    stage: EngineStage[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an import might bring one in: a whole file with newer rules is not even opened."""
    stage.worker.script = {"only?": wait_for(signal_on("letters"))}
    await stage.backend.start(starting("only", state=StateOptions()))
    await stage.settle()
    monkeypatch.setattr("perdure.interpreter.rules.RULES_VERSION", RULES_VERSION - 1)
    await stage.crash()
    with pytest.raises(
        InternalError, match=f"rules of version {RULES_VERSION}, this release knows versions up to {RULES_VERSION - 1}"
    ):
        await stage.backend.signal(ADA, Message("letters"))
