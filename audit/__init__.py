"""The scanner application: audits what already runs in a cluster.

What belongs here, and nowhere else: paging through an API server's objects, evidence over time,
reports about a cluster, and the rollout controller. It may import ``karb_guard`` and nothing may
import it but the command line; import-linter holds both. It judges objects with
``karb_guard.evaluation`` like every other door.
"""
