"""A cluster and a router as processes on loopback: the first look, no root, no Kubernetes."""
