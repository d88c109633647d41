"""All that can be set of the commands that serve: a table for each."""

from __future__ import annotations

from collections.abc import Mapping

from perdure.cli.mappings import read_external_storage, read_headers, read_search_attributes, read_workflow_config
from perdure.cli.setting import Setting
from perdure.model.nearest import nearest
from perdure.observe.logs import LEVELS, LogFormat

PREFIX = "PERDURE_"
CONFIG_VARIABLE = "PERDURE_CONFIG"
WORKER_HOST = "127.0.0.1"
WORKER_PORT = 8802

SERVER_SETTINGS = (
    Setting("db", "FILE", "the database, made if there is none (perdure.db)"),
    Setting("host", "HOST", "address to listen at (127.0.0.1); whoever reaches it can do anything"),
    Setting("port", "PORT", "port to listen at, 0 for any that is free (8801)", int),
    Setting(
        "worker_url_allow",
        "WHERE",
        "network, address or origin where workers may be, in place of this machine's own; may be repeated",
        is_list=True,
    ),
    Setting("max_wait_seconds", "N", "the longest a call may wait for a result (58)", int),
    Setting("body_bytes_max", "N", "the longest request (4 MiB)", int),
    Setting("worker_reply_bytes_max", "N", "the longest answer of a worker (4 MiB)", int),
    Setting("worker_calls_max", "N", "calls under way at once for one workflow type at one worker URL (512)", int),
    Setting("worker_headers", "JSON", "headers sent to workers with every call of a state (none)", take=read_headers),
    Setting(
        "default_workflow_config",
        "JSON",
        "what holds for workflows whose start does not say otherwise (nothing)",
        take=read_workflow_config,
    ),
    Setting(
        "search_attributes",
        "JSON",
        "the only search attributes that may be written, with their types (any)",
        take=read_search_attributes,
    ),
    Setting(
        "external_storage",
        "JSON",
        "where values too large for the database are kept (nowhere)",
        take=read_external_storage,
    ),
    Setting("worker_ca_file", "FILE", "whose certificates to trust of workers at https (the system's authorities)"),
    Setting("signing_keys_file", "FILE", "keys to sign calls to workers with, one a line (not signed)"),
    Setting("signing_keys", "KEYS", "keys to sign calls to workers with (not signed)", is_list=True, is_secret=True),
    Setting("log_format", "FORMAT", f"{' or '.join(LogFormat)}: how the log is written (text)", LogFormat),
    Setting("log_level", "LEVEL", f"{', '.join(LEVELS)}: from where on it is written (info)", str.lower),
    Setting("metrics", "WHERE", "figures for Prometheus: on, at /metrics of this address; off; or HOST:PORT (on)"),
    Setting("traces", "WHERE", "spans of calls to workers: off, or otlp, to an OpenTelemetry collector (off)"),
    Setting("retention_days", "N", "how long ended runs are kept (for ever)", int),
    Setting(
        "history_retention_days",
        "N",
        "how long the early part of the history of a run is kept that goes on (as long as the run)",
        int,
    ),
)

WORKER_SETTINGS = (
    Setting("host", "HOST", f"address to listen at ({WORKER_HOST})", group="worker"),
    Setting("port", "PORT", f"port to listen at, 0 for any that is free ({WORKER_PORT})", int, group="worker"),
    Setting(
        "log_format", "FORMAT", f"{' or '.join(LogFormat)}: how the log is written (text)", LogFormat, group="worker"
    ),
    Setting(
        "log_level", "LEVEL", f"{', '.join(LEVELS)}: from where on it is written (info)", str.lower, group="worker"
    ),
    Setting("traces", "WHERE", "spans of calls: off, or otlp, to an OpenTelemetry collector (off)", group="worker"),
    Setting("threads", "N", "for the 'def' methods of each workflow type (16)", int, group="worker"),
    Setting(
        "verify_keys_file", "FILE", "keys that calls must be signed with, one a line (all are taken)", group="worker"
    ),
    Setting("verify_keys", "KEYS", "keys that calls must be signed with", is_list=True, is_secret=True, group="worker"),
)

VARIABLES = frozenset({CONFIG_VARIABLE, *(setting.variable for setting in (*SERVER_SETTINGS, *WORKER_SETTINGS))})
"""Of all commands: they share an environment, and what is set for one is no mistake for the other."""


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return what is set in our name and nobody reads, each with the known one that may be meant.

    To be told and not to be refused, as a file's unknown key is: an environment has other authors too, such as
    Kubernetes, which writes there where a service called ``perdure`` is.
    """
    known = {variable.removeprefix(PREFIX): variable for variable in VARIABLES}
    told = []
    for name, value in sorted(environment.items()):
        if value and name.startswith(PREFIX) and name not in VARIABLES:
            near = nearest(name.removeprefix(PREFIX), known)
            told.append(f"{name} (did you mean {known[near]}?)" if near else name)
    return told
