"""From ``module:attr`` to what a worker runs."""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType

from perdure.authoring.registry import Registered, Registry
from perdure.authoring.workflow import Workflow
from perdure.iwf.registry import Registry as IwfRegistry
from perdure.iwf.workflow import ObjectWorkflow
from perdure.model.errors import InvalidRequest
from perdure.worker.runnable import Runnable
from perdure.worker.serving import Worker

EXPECTED = "a Worker, a Registry, a workflow (an instance, or a class that needs no arguments), or a list of registries and workflows"


def worker_at(target: str, *, threads: int | None, keys: Sequence[str]) -> Worker:
    """Import a module as its author would, from the directory at hand, and make a worker of what it has.

    Args:
        threads: for a worker that is made here; ``None``: as many as usual.
        keys: likewise.

    Raises:
        InvalidRequest: there is no such module or name, or it is nothing that can be run.
        DefinitionError: a workflow class is wrong.
    """
    module_name, colon, attribute = target.partition(":")
    if not colon or not module_name or not attribute:
        raise InvalidRequest(f"found {target!r}, expected module:name, such as signup.workflows:registry")
    if module_name.endswith(".py"):
        raise InvalidRequest(
            f"found {target!r}, with the name of a file, expected that of its module, with dots and without .py: "
            "signup.workflows:registry"
        )
    found = _attribute(_module(module_name), attribute)
    if isinstance(found, Worker):
        if threads is not None or keys:
            raise InvalidRequest(
                f"{target} is a Worker, which has its own threads and keys; give them there: Worker(…)"
            )
        return found
    known = _known(found, target)
    return Worker(known, keys=keys) if threads is None else Worker(known, threads=threads, keys=keys)


def _module(name: str) -> ModuleType:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise InvalidRequest(
                f"there is no module {error.name!r}, looked for from {here} on; start from where it can be imported"
            ) from None
        raise InvalidRequest(_broken(name, error)) from error
    except (Exception, SystemExit) as error:  # whatever a module of the author's raises is told to them
        raise InvalidRequest(_broken(name, error)) from error


def _broken(name: str, error: BaseException) -> str:
    return f"module {name!r} cannot be imported:\n{''.join(traceback.format_exception(error)).rstrip()}"


def _attribute(module: ModuleType, attribute: str) -> object:
    found: object = module
    for name in attribute.split("."):
        if not hasattr(found, name):
            public = [each for each in vars(module) if not each.startswith("_")]
            near = difflib.get_close_matches(name, public, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InvalidRequest(f"{module.__name__} has no {attribute}{hint}")
        found = getattr(found, name)
    return found


def _known(found: object, target: str) -> list[Registered | Runnable]:
    """Return all that is to be run; a registry is taken as it is, the rest is registered together."""
    known: list[Registered | Runnable] = []
    native: list[object] = []
    iwf = IwfRegistry()
    parts = list(found) if isinstance(found, list | tuple | set | frozenset) else [found]
    for part in parts:
        made = _instance(part, target)
        if isinstance(made, Registry | IwfRegistry):
            known.extend(made)
        elif isinstance(made, Workflow):
            native.append(made)
        elif isinstance(made, ObjectWorkflow):
            iwf.add_workflow(made)
        elif isinstance(made, Runnable):
            known.append(made)
        else:
            raise InvalidRequest(f"{target} is {_words(part)}, expected {EXPECTED}")
    known.extend([*Registry(*native), *iwf])  # type: ignore[arg-type]  # instances of Workflow, of whatever types
    if not known:
        raise InvalidRequest(f"{target} has no workflow in it, expected {EXPECTED}")
    return known


def _instance(part: object, target: str) -> object:
    if not (isinstance(part, type) and issubclass(part, Workflow | ObjectWorkflow)):
        return part
    needed = [
        parameter.name
        for parameter in inspect.signature(part).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise InvalidRequest(
            f"{target} is the class {part.__name__}, which needs {', '.join(needed)}; name an instance of it: "
            f"workflow = {part.__name__}({', '.join(f'{name}=…' for name in needed)})"
        )
    return part()


def _words(part: object) -> str:
    if isinstance(part, ModuleType):
        return f"the module {part.__name__}"
    if isinstance(part, type):
        return f"the class {part.__name__}, which is no workflow"
    if inspect.isfunction(part):
        return f"the function {part.__name__}"
    return f"a {type(part).__name__}"
