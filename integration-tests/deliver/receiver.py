"""A receiver of webhooks that verifies signatures with the reference library, and writes what came to a file, one JSON object a line.

    receiver.py PORT FILE SECRET [SECRET …]

/fail-2/…  500 twice for each id, then 204     /gone  410          /redirect  302 to /ok
/slow      no answer                           /big   200 and endless text
Any other path: 204. Each secret is tried by itself. It ends when its standard input does.
"""

import collections
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

port, path, secrets = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
seen = collections.Counter()
lock = threading.Lock()


def verified(secret, body, headers):
    try:
        Webhook(secret).verify(body, headers)
        return True
    except WebhookVerificationError:
        return False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        message_id = headers.get("webhook-id", "")
        record = {
            "path": self.path,
            "id": message_id,
            "verified": [verified(secret, body, headers) for secret in secrets],
            "content_type": headers.get("content-type"),
            "timestamp": headers.get("webhook-timestamp"),
            "body": json.loads(body),
            "raw": body.decode(),
            "headers": headers,
        }
        with lock:
            seen[message_id] += 1
            attempt = seen[message_id]
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        self.answer(attempt)

    def answer(self, attempt):
        kind = self.path.split("/")[1]
        if kind.startswith("fail-") and attempt <= int(kind[len("fail-"):]):
            return self.status(500)
        if kind == "gone":
            return self.status(410)
        if kind == "redirect":
            return self.status(302, location=f"http://127.0.0.1:{port}/ok")
        if kind == "slow":
            time.sleep(3600)
        if kind == "big":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                return None
        return self.status(204)

    def status(self, code, **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
# Threads that answer nobody are not waited for.
os._exit(0)
