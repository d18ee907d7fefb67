"""How does the process live and die? Settings, wiring, health, metrics, logs, control socket."""
