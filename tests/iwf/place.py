"""A place to run workflows of iWF's kind in, under a clock the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from perdure.iwf.client import Client
from perdure.iwf.client_options import ClientOptions
from perdure.iwf.object_encoder import ObjectEncoder
from perdure.iwf.registry import Registry
from perdure.iwf.workflow import ObjectWorkflow
from perdure.testing.environment import Environment


@contextmanager
def place(*workflows: ObjectWorkflow, options: ClientOptions | None = None) -> Iterator[tuple[Environment, Client]]:
    registry = Registry()
    registry.add_workflows(*workflows)
    encoder = ObjectEncoder.default if options is None else options.object_encoder
    with Environment(*registry.runnables(encoder)) as env, opened(registry, env, options) as client:
        yield env, client


def opened(registry: Registry, env: Environment, options: ClientOptions | None = None) -> Client:
    return Client(registry, options, backend=env.client.asynchronous.backend)
