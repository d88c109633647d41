"""The workbench: what an author and the maker of an engine test with.

Public. Nothing in here stands in for a part of Perdure: what runs is the real thing, with the
clock in the test's hand. No other room imports this one.
"""

from perdure.testing.clock import VirtualClock
from perdure.testing.environment import AsyncEnvironment, Environment
from perdure.testing.playbook import Playbook
from perdure.testing.rule import rule, rules_of
from perdure.testing.watch import Stuck

__all__ = ["AsyncEnvironment", "Environment", "Playbook", "Stuck", "VirtualClock", "rule", "rules_of"]
