"""The path of one object, from what was read to its findings."""

from karb_guard.evaluation.evaluator import Evaluator
from karb_guard.evaluation.settings import EvaluationSettings

__all__ = ["EvaluationSettings", "Evaluator"]
