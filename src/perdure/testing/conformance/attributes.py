"""Reading and writing attributes from outside."""

from __future__ import annotations

import pytest

from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.errors import InvalidRequest, WorkflowClosed, WorkflowNotFound
from perdure.testing.conformance.lines import text
from perdure.testing.conformance.stage import ADA, NOBODY, Stage, Suite

A = DataAttribute("a", text("1"))
B = DataAttribute("b", text("2"))
CITY = SearchAttribute("city", SearchAttributeType.KEYWORD, "London")
AGE = SearchAttribute("age", SearchAttributeType.INT, 36)


class AttributeConformance(Suite):
    async def test_written_attributes_are_read_sorted_by_key(self, stage: Stage) -> None:
        await self.start(stage, data=(B,))
        await stage.backend.set_data_attributes(ADA, [A])
        assert await stage.backend.get_data_attributes(ADA) == (A, B)
        assert await stage.backend.get_data_attributes(ADA, ["b", "unknown", "a"]) == (A, B)
        assert await stage.backend.get_data_attributes(ADA, ["unknown"]) == ()
        assert await stage.backend.get_data_attributes(ADA, []) == ()

    async def test_last_write_of_a_key_wins(self, stage: Stage) -> None:
        await self.start(stage, data=(A,))
        newer = DataAttribute("a", text("newer"))
        await stage.backend.set_data_attributes(ADA, [DataAttribute("a", text("new")), newer])
        assert await stage.backend.get_data_attributes(ADA) == (newer,)

    async def test_write_without_a_value_keeps_the_key(self, stage: Stage) -> None:
        await self.start(stage, data=(A,))
        await stage.backend.set_data_attributes(ADA, [DataAttribute("a")])
        assert await stage.backend.get_data_attributes(ADA) == (DataAttribute("a"),)

    async def test_search_attributes_come_back_as_the_index_has_them(self, stage: Stage) -> None:
        written = [
            CITY,
            AGE,
            SearchAttribute("born", SearchAttributeType.DATETIME, "1815-12-10T01:30:00+01:30"),
            SearchAttribute("tall", SearchAttributeType.DOUBLE, 1.65),
            SearchAttribute("alive", SearchAttributeType.BOOL, False),
            SearchAttribute("about", SearchAttributeType.TEXT, "wrote the first program"),
            SearchAttribute("tags", SearchAttributeType.KEYWORD_ARRAY, ("maths", "verse")),
        ]
        await self.start(stage)
        await stage.backend.set_search_attributes(ADA, written)
        asked = [(attribute.key, attribute.type) for attribute in written if attribute.type is not None]
        expected = list(written)
        expected[2] = SearchAttribute("born", SearchAttributeType.DATETIME, "1815-12-10T00:00:00Z")
        assert list(await stage.backend.get_search_attributes(ADA, asked)) == expected
        asked.reverse()
        assert list(await stage.backend.get_search_attributes(ADA, asked)) == expected[::-1]

    async def test_search_attributes_convert_where_they_can(self, stage: Stage) -> None:
        await self.start(stage, search=(AGE,))
        asked = [("age", SearchAttributeType.DOUBLE), ("unknown", SearchAttributeType.INT)]
        (age,) = await stage.backend.get_search_attributes(ADA, asked)
        assert age == SearchAttribute("age", SearchAttributeType.DOUBLE, 36.0)
        with pytest.raises(InvalidRequest):
            await stage.backend.get_search_attributes(ADA, [("age", SearchAttributeType.BOOL)])

    async def test_search_attribute_of_another_type_is_refused_and_nothing_is_written(self, stage: Stage) -> None:
        await self.start(stage, search=(CITY,))
        clash = SearchAttribute("city", SearchAttributeType.INT, 1)
        misfit = SearchAttribute("fresh", SearchAttributeType.INT, "one")
        for wrong in (clash, misfit):
            with pytest.raises(InvalidRequest):
                await stage.backend.set_search_attributes(ADA, [AGE, wrong])
        assert await stage.backend.get_search_attributes(ADA) == (CITY,)

    async def test_ended_run_shows_its_last_values_and_takes_no_new_ones(self, stage: Stage) -> None:
        await self.start(stage, data=(A,), search=(CITY,))
        await stage.backend.stop(ADA)
        assert await stage.backend.get_data_attributes(ADA) == (A,)
        assert await stage.backend.get_search_attributes(ADA) == (CITY,)
        with pytest.raises(WorkflowClosed):
            await stage.backend.set_data_attributes(ADA, [B])
        with pytest.raises(WorkflowClosed):
            await stage.backend.set_search_attributes(ADA, [AGE])

    async def test_nobody_has_no_attributes(self, stage: Stage) -> None:
        with pytest.raises(WorkflowNotFound):
            await stage.backend.get_data_attributes(NOBODY)
        with pytest.raises(WorkflowNotFound):
            await stage.backend.get_search_attributes(NOBODY)
        with pytest.raises(WorkflowNotFound):
            await stage.backend.set_data_attributes(NOBODY, [A])
        with pytest.raises(WorkflowNotFound):
            await stage.backend.set_search_attributes(NOBODY, [CITY])
