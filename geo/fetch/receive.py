"""One attempt at a download: asks a server for what a part still lacks, and judges the answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from .rawfile import Failed, RawFile, unreachable

if TYPE_CHECKING:
    import requests

CONNECT_S = 10.0
STALL_S = 30.0
_CHUNK = 1 << 14
# Answers that another attempt may mend, among those that blame the request: timeout, range, too early, too many.
_PASSING = frozenset({408, 416, 425, 429})


def receive(file: RawFile, url: str, stall_s: float, progress: Callable[[str, int], None], part: BinaryIO) -> bool:
    """Download what a part still lacks.

    Args:
        file: What is wanted; not much more than its size is ever read.
        url: Where from.
        stall_s: Longest wait for the next bytes, seconds.
        progress: Gets the name and the bytes that have arrived.
        part: Open to append.

    Returns:
        Whether the bytes that were there before still count.

    Raises:
        requests.RequestException: The attempt failed, another may not.
        Failed: The server refuses.
    """
    import requests

    have = os.fstat(part.fileno()).st_size
    if have >= file.size:
        return True
    # Bytes as they are stored: a compressed answer could not be continued.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_S, stall_s)) as answer:
        continued = _judge(file, url, answer, part)
        have = have if continued else 0
        for chunk in answer.iter_content(_CHUNK):
            part.write(chunk)
            part.flush()
            have += len(chunk)
            progress(file.name, have)
            if have > file.size:  # not our file, and perhaps endless
                return continued
        # An answer that says where it ends was whole (requests checks it): short, it is another file.
        bounded = "Content-Length" in answer.headers or "chunked" in answer.headers.get("Transfer-Encoding", "")
        if have < file.size and (continued or not bounded):
            raise requests.ConnectionError(f"the answer ended after {have:,} of {file.size:,} bytes")
    return continued


def _judge(file: RawFile, url: str, answer: requests.Response, part: BinaryIO) -> bool:
    """Say whether an answer goes on where the part ends; where it begins anew, empty the part."""
    import requests

    have, status = os.fstat(part.fileno()).st_size, answer.status_code
    if 400 <= status < 500 and status not in _PASSING:
        raise Failed(unreachable(file, url, f"the server answers with status {status}"))
    continued = status == 206 and have > 0 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
    # The same for a range that is not the one we asked for, or none (416): the next attempt asks for everything.
    if status in (200, 206, 416) and not continued:
        part.truncate(0)
    if status != (206 if continued else 200):
        raise requests.HTTPError(response=answer)
    return continued


def why(failure: requests.RequestException, stall_s: float) -> str:
    """Say in one line why an attempt failed; the libraries' own texts run over several."""
    import requests

    if isinstance(failure, requests.HTTPError) and failure.response is not None:
        return f"the server answers with status {failure.response.status_code}"
    if isinstance(failure, requests.ConnectTimeout):
        return f"no connection within {CONNECT_S:g} s"
    if isinstance(failure, requests.ReadTimeout) or "Read timed out" in str(failure):
        return f"the server sent nothing for {stall_s:g} s"
    # Without a connection, the libraries wrap the reason twice, each time with their own objects' names.
    reason = getattr(failure.args[0], "reason", None) if failure.args else None
    return " ".join(str(reason or failure).rsplit("): ", 1)[-1].split())
