"""The controller: from Kubernetes Services, or a directory of manifests, to routes.

It needs the extra `controller` of the distribution; the library beside it needs nothing.
"""
