"""A data centre on one machine: a real control plane, nodes, routers and clients in namespaces."""
