"""What a Pod is given when it is created: pure functions from an object to an RFC 6902 patch.

One file a mutation; ``mutator`` runs them. Everything here only ever fills in what nobody wrote.
"""
