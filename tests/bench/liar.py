"""A server of files, one of whose bytes is wrong in every response after the first N: liar.py PORT DIRECTORY N"""

import http.server
import itertools
import sys
from pathlib import Path

PORT, DIRECTORY, HONEST = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
answered = itertools.count()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = bytearray((DIRECTORY / self.path.strip("/")).read_bytes())
        if next(answered) >= HONEST:
            body[len(body) // 2] ^= 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


Server(("127.0.0.1", PORT), Handler).serve_forever()
