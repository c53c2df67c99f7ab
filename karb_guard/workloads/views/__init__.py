"""PodSpec-shaped views of custom resources that describe pods in a form of their own.

One module a form. A builder takes a ``Spot`` and gives the template there, or ``None`` where
the map describes no pod. Views are new maps around the written values: nothing is copied deeply
and nothing of the object is changed.
"""
