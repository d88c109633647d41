"""What Temporal's side runs; as a program, its worker: ``python -m benchmarks.temporal_flows ADDRESS``."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE = "bench"
_THREADS = 32
_SOON = timedelta(seconds=60)


@activity.defn
def add_one(number: int) -> int:
    return number + 1


@activity.defn
def send(email: str) -> str:
    return email


@workflow.defn
class TwoStep:
    @workflow.run
    async def run(self, number: int) -> int:
        number = await workflow.execute_activity(add_one, number, start_to_close_timeout=_SOON)
        return await workflow.execute_activity(add_one, number, start_to_close_timeout=_SOON)


@workflow.defn
class SignUp:
    def __init__(self) -> None:
        self._verified = False

    @workflow.run
    async def run(self, email: str) -> str:
        await workflow.execute_activity(send, email, start_to_close_timeout=_SOON)
        await workflow.wait_condition(lambda: self._verified, timeout=timedelta(hours=24))
        await workflow.execute_activity(send, email, start_to_close_timeout=_SOON)
        return "done"

    @workflow.signal
    def confirm(self) -> None:
        self._verified = True


async def work(address: str) -> None:
    client = await Client.connect(address)
    with ThreadPoolExecutor(_THREADS) as pool:
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[TwoStep, SignUp],
            activities=[add_one, send],
            activity_executor=pool,
            max_concurrent_activities=_THREADS,
        )
        print("working", flush=True)
        await worker.run()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
