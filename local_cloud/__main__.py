"""`python -m local_cloud`: start the cloud, print the environment to export, run until interrupted."""

from __future__ import annotations

import argparse
import atexit
import os
import signal
import sys
import threading

from . import process
from .process import cloud


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m local_cloud", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 (default) takes a free one")
    parser.add_argument("--region", default=os.environ.get("AWS_DEFAULT_REGION") or "us-east-1")
    parser.add_argument("--mode", choices=("realtime", "stepped"), default="realtime", help="how rate() rules fire")
    parser.add_argument("--speed", type=float, default=1.0, help="clock of the schedules: 30 makes a minute 2 seconds")
    parser.add_argument("--stack", default="demo", help="name of the WEKA stack to create")
    parser.add_argument("--no-stack", action="store_true", help="start with an empty account")
    parser.add_argument("--backends", type=int, default=6)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--parent", type=int, help="end when the process with this id is no longer the parent")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the cloud; returns the exit status."""
    options = arguments(argv)
    cloud.region = options.region
    # moto reads credentials and its own region from the environment; ours must not lead it to a real account.
    os.environ.update(process.Process(region=options.region).environment())
    os.environ.pop("AWS_PROFILE", None)

    from . import control, seams
    from .weka import hooks, routes  # noqa: F401  (routes registers the simulator's part of the control API)

    try:
        # The simulator must know an instance before the instance's agent runs its user data.
        hooks.install()
        seams.install()
    except seams.SeamMoved as error:
        print(error, file=sys.stderr)
        return 1

    from . import calls
    from .schedule import schedule
    from .server import make_server
    from .warm import warm

    @control.route("GET", "health")
    def health(request: control.ControlRequest) -> dict[str, object]:
        return {"ready": cloud.ready, "url": cloud.url, "region": cloud.region, "account": process.ACCOUNT_ID}

    server = make_server(options.port)
    os.environ.update(cloud.environment(), MOTO_PORT=str(cloud.port))
    threading.Thread(target=server.serve_forever, name="server", daemon=True).start()
    atexit.register(_end)
    warm()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if not options.no_stack:
        from .stack import create_stack

        create_stack(cloud.url, options.stack, backends=options.backends, clients=options.clients)
    schedule.set(options.mode, options.speed)
    calls.log.reset()
    cloud.ready = True
    for name, value in cloud.environment().items():
        print(f"export {name}={value}", flush=True)
    while not stop.wait(1) and (options.parent is None or os.getppid() == options.parent):
        pass
    _end()
    server.shutdown()
    return 0


def _end() -> None:
    while cloud.at_exit:
        cloud.at_exit.pop()()


if __name__ == "__main__":
    # Other parts import local_cloud.* by name; this file must not be a second copy of any state, so it holds none.
    status = main()
    sys.stdout.flush()
    # Connections' threads are daemons that may hold moto's locks: leave without waiting for them.
    os._exit(status)
