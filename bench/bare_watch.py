"""A bare watch: stamps the events that an API server sends, and does nothing else with them.

    python -m bench.bare_watch PATH --kubeconfig FILE

It prints `watching` once it does, then a line for each event: `NAME VERSION T`, the object's name
and resourceVersion as they are first found in the line, T in seconds on the monotonic clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import ssl
import time
from pathlib import Path

import aiohttp

_NAME = re.compile(rb'"name":"([^"]*)"')
_VERSION = re.compile(rb'"resourceVersion":"([^"]*)"')


async def watch(path: str, kubeconfig: str) -> None:
    """Follow a collection from now on, with the API server and certificate of a kubeconfig."""
    config = json.loads(kubeconfig)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
    tls.load_cert_chain(user["client-certificate"], user["client-key"])
    url = f"{cluster['server']}{path}"
    timeout = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(ssl=tls)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        async with session.get(url, params={"limit": "1"}) as answer:
            version = (await answer.json())["metadata"]["resourceVersion"]
        params = {"watch": "true", "resourceVersion": version}
        async with session.get(url, params=params) as answer:
            print("watching", flush=True)
            rest = b""
            async for octets in answer.content.iter_any():
                now = time.monotonic()
                *lines, rest = (rest + octets).split(b"\n")
                for line in lines:
                    print(_first(_NAME, line), _first(_VERSION, line), now, flush=True)


def _first(pattern: re.Pattern[bytes], line: bytes) -> str:
    found = pattern.search(line)
    return found[1].decode() if found is not None else "?"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    arguments = parser.parse_args()
    asyncio.run(watch(arguments.path, arguments.kubeconfig.read_text()))
