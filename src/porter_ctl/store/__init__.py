"""What we know of the cluster, what changed since somebody asked, and how it is written."""
