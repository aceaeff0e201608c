"""An S3-compatible server with one bucket, until standard input ends."""

import sys
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
urlopen(Request(f"{url}/tillstream", method="PUT")).close()
print(url, flush=True)
sys.stdin.read()
server.stop()
