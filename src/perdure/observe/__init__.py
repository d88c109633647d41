"""The gauges: figures, traces and lines of log, for whoever runs an engine or a server.

Each file is one way of looking, over a port that knows nothing of it. Nothing here decides anything,
and nothing but a command or a server needs it: prometheus_client and opentelemetry are extras.
"""
