"""The local cloud: AWS on a loopback port, with real functions, executions, schedules and a simulated WEKA cluster."""
