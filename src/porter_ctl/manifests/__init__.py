"""A directory of YAML files as a cluster: the user's are read, ours are kept beside them."""
