"""What the cluster says, and how it is told: the one room that speaks to an API server."""
