"""What autoscalers compute: pure functions of numbers, after Kubernetes' and KEDA's own sources.

Amounts are numbers in one unit, whichever: only ratios count. Semantics: Kubernetes 1.37
(``pkg/controller/podautoscaler``) and KEDA 2.21.
"""
