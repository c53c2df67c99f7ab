"""Staged rollout: from evidence to the next stage of an invariant in a namespace. Pure.

``gates`` and ``freeze`` read what people wrote, ``evidence`` what a scan says, ``counters`` what
the webhook's replicas counted, ``machine`` decides about one namespace, ``plan`` about one
``InvariantRollout``. All state is in the object's status: nothing is remembered between
two steps.
"""
