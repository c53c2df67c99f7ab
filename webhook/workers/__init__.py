"""Several processes that answer reviews in one pod, behind one that does everything else.

The supervisor keeps lease, certificate, registration, watches, configuration, Events, probes and
metrics, and accepts connections; each worker answers the reviews of those that it is handed. See
``docs/operations.md`` for what that means to whoever runs it.
"""
