"""``Backend.search``: what is written is found."""

from __future__ import annotations

import pytest

from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.errors import InvalidRequest
from perdure.model.ids import RunId, WorkflowId, WorkflowType
from perdure.model.outcome import RunStatus
from perdure.testing.conformance.stage import KIND, Stage, Suite


class SearchConformance(Suite):
    async def test_everything_is_found_open_runs_first_latest_first(self, stage: Stage) -> None:
        runs: dict[str, RunId] = {}
        for name in ("a", "b", "c", "d"):
            runs[name] = await self.start(stage, workflow_id=WorkflowId(name))
            await stage.pass_time(10)
        for name in ("b", "a"):
            await stage.backend.stop(WorkflowId(name))
            await stage.pass_time(10)
        found = (await stage.backend.search()).runs
        assert [run.workflow_id for run in found] == ["d", "c", "a", "b"]
        assert [run.status for run in found] == [RunStatus.RUNNING] * 2 + [RunStatus.CANCELED] * 2
        assert all(run.run_id == runs[run.workflow_id] and run.workflow_type == KIND for run in found)
        assert [run.closed_ms is None for run in found] == [True, True, False, False]

    async def test_write_is_found_at_once(self, stage: Stage) -> None:
        for name, city in (("a", "London"), ("b", "Paris")):
            await self.start(
                stage,
                workflow_id=WorkflowId(name),
                search=(SearchAttribute("city", SearchAttributeType.KEYWORD, city),),
            )
        assert await self._ids(stage, "city = 'London'") == ["a"]
        moved = SearchAttribute("city", SearchAttributeType.KEYWORD, "Paris")
        await stage.backend.set_search_attributes(WorkflowId("a"), [moved])
        assert await self._ids(stage, "city = 'London'") == []
        assert sorted(await self._ids(stage, "city = 'Paris'")) == ["a", "b"]

    async def test_queries_combine(self, stage: Stage) -> None:
        for age in (10, 20, 30):
            await self.start(
                stage,
                workflow_id=WorkflowId(f"age-{age}"),
                workflow_type=WorkflowType("old" if age > 15 else "young"),
                search=(SearchAttribute("age", SearchAttributeType.INT, age),),
            )
        assert await self._ids(stage, "age > 15 AND age < 25") == ["age-20"]
        assert sorted(await self._ids(stage, "age = 10 OR age = 30")) == ["age-10", "age-30"]
        assert sorted(await self._ids(stage, "IwfWorkflowType = 'old'")) == ["age-20", "age-30"]
        assert await self._ids(stage, "WorkflowId = 'age-10'") == ["age-10"]

    async def test_pages_hold_everything_once(self, stage: Stage) -> None:
        for number in range(5):
            await self.start(stage, workflow_id=WorkflowId(str(number)))
        found: list[str] = []
        token = ""
        for size in (2, 2, 1):
            page = await stage.backend.search(page_size=2, page_token=token)
            assert len(page.runs) == size
            found += [run.workflow_id for run in page.runs]
            token = page.next_token
        assert token == ""
        assert sorted(found) == ["0", "1", "2", "3", "4"]

    async def test_full_page_has_a_token_also_when_nothing_is_left(self, stage: Stage) -> None:
        for number in range(2):
            await self.start(stage, workflow_id=WorkflowId(str(number)))
        page = await stage.backend.search(page_size=2)
        assert page.next_token
        last = await stage.backend.search(page_size=2, page_token=page.next_token)
        assert (last.runs, last.next_token) == ((), "")

    @pytest.mark.parametrize("query", ["age >", "= 3", "city LIKE", "age = 'x' AND"])
    async def test_query_that_cannot_be_read_is_refused(self, stage: Stage, query: str) -> None:
        with pytest.raises(InvalidRequest):
            await stage.backend.search(query)

    async def test_token_that_cannot_be_read_is_refused(self, stage: Stage) -> None:
        with pytest.raises(InvalidRequest):
            await stage.backend.search(page_token="no token of ours")  # noqa: S106 - it is no password

    async def _ids(self, stage: Stage, query: str) -> list[str]:
        return [run.workflow_id for run in (await stage.backend.search(query)).runs]
