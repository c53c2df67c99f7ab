"""The controller of staged rollouts: cluster edges around the pure ``karb_guard.rollout``."""
