"""Starting the server: `grx serve`."""

import os

import uvicorn

from grx_pipeline.paths import Paths
from grx_pipeline.serve.limits import GuardedProtocol
from grx_pipeline.settings import Settings

_APP = "grx_pipeline.serve.app:app"
# Streams end by themselves when the server is told to stop; a slow reader has this long.
_GOODBYE_S = 5


def serve(settings: Settings, *, host: str, port: int, workers: int, proxies: str, log_level: str) -> None:
    """Serve the reports folder until the process is told to stop.

    `proxies` are the addresses whose word on a reader's address is taken (comma-separated, or *).
    """
    paths = Paths.of(settings)
    # Workers are processes of their own and read the settings anew.
    os.environ["GRX_DATA_DIR"], os.environ["GRX_REPORTS_DIR"] = str(paths.data), str(paths.reports)
    uvicorn.run(
        _APP,
        host=host,
        port=port,
        workers=workers,
        http=GuardedProtocol,
        ws="none",
        access_log=log_level in ("debug", "trace"),
        log_level=log_level,
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=_GOODBYE_S,
        server_header=False,
        date_header=True,
    )
