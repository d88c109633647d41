"""Many channels under one name, told apart by a key that is known only at run time."""

from __future__ import annotations

from typing import TypeVar

from perdure.authoring.channel import AnyInbox, Channel, Inbox

T = TypeVar("T")

SEPARATOR = "/"
"""Between a map's name and a key, in the channel's name."""


class ChannelMap(Inbox[T]):
    """``letters: ChannelMap[str] = ChannelMap()``; then ``self.letters["ada"]`` is a ``Channel[str]``."""

    is_map = True

    def __getitem__(self, key: str) -> Channel[T]:
        channel: Channel[T] = Channel(name=self.name)
        AnyInbox.__set_name__(channel, object, self.member)
        inner = channel if self._invocation is None else channel.bound_to(self._invocation)
        return inner.within(f"{self.channel}{SEPARATOR}{key}")
