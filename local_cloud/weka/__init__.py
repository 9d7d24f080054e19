"""A simulated WEKA cluster: the management API of weka's backends over real sockets, with time, refusals and faults.

Standard library and cryptography only; `routes.py` alone knows the local cloud around it. Reading order: `model` (what
a cluster is), `transitions` (what time does to it), `rules` (what it refuses), `actions` (what it does when asked),
`views` and `status` (how it answers), `methods`, `jsonrpc` and `rest` (what it is asked by), `server` (the sockets),
`registry` (the clusters of a process), `control` and `agent` (what people, tests and instances do to it).
"""
