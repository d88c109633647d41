"""The caller: starts workflows and talks to them through typed handles, over any ``Backend``.

There is one implementation, the async one; the sync face runs it on a loop in another thread.
Knows no engine and runs no author's code: what a class says is read from its definition.
"""

from perdure.client.client import AsyncClient
from perdure.client.handle import AsyncHandle
from perdure.client.options import StartArguments
from perdure.client.result import MissingValue
from perdure.client.sync import Client, Handle

__all__ = ["AsyncClient", "AsyncHandle", "Client", "Handle", "MissingValue", "StartArguments"]
