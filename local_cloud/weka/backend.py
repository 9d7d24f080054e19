"""What one backend answers on its port: management API, health checks, and the client's installer."""

from __future__ import annotations

from urllib.parse import urlsplit

from . import jsonrpc, rest
from .model import Cluster
from .web import Response, json_response

# The stand-in commands are on PATH of every simulated instance; what an installer adds is the release they act as.
INSTALLER = """\
#!/bin/sh
# Installs WEKA @RELEASE@ on an instance of the local cloud.
set -eu
: "${LOCAL_CLOUD_URL:?is not set: only instances of the local cloud can install this simulated WEKA}"
command -v weka >/dev/null || { echo "the stand-in weka command is not on PATH" >&2; exit 1; }
curl --fail --silent --show-error --output /dev/null --header "Content-Type: application/json" \\
  --data '{"from":"@ADDRESS@","release":"@RELEASE@"}' \\
  "$LOCAL_CLOUD_URL/_local/weka/$LOCAL_CLOUD_STACK/agent/$LOCAL_CLOUD_INSTANCE/install"
echo "WEKA @RELEASE@ is installed"
"""


def respond(
    cluster: Cluster, address: str, verb: str, target: str, body: bytes, authorization: str, installer: str = INSTALLER
) -> Response:
    """Answer one HTTP request to the backend at an address. DropConnection passes through."""
    url = urlsplit(target)
    token = authorization[7:].strip() if authorization[:7].lower() == "bearer " else None
    if url.path == "/api/v1" and verb == "POST":
        return jsonrpc.handle(cluster, address, body, token)
    if url.path.startswith("/api/v2/"):
        return rest.handle(cluster, address, verb, url.path[7:], url.query, body, token)
    if verb == "GET" and url.path.rstrip("/") in ("/ui/healthcheck", "/ui"):
        return rest.healthcheck(cluster, address)
    if verb == "GET" and url.path == "/dist/v1/install":
        script = installer.replace("@RELEASE@", cluster.release).replace("@ADDRESS@", address)
        return Response(200, script.encode(), "text/x-shellscript")
    return json_response({"message": f"No such resource: {verb} {url.path}"}, 404)
