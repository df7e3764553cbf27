"""Servers that are no SCIM server, for bad_input.sh: CERTIFICATE KEY. Prints their ports when ready."""

import http.server
import json
import socket
import ssl
import sys
import threading


class Html(http.server.BaseHTTPRequestHandler):
    """A web site: the same page for everything under /site, an error page for the rest."""

    def do_GET(self):
        body = b"<!DOCTYPE html><title>Welcome</title><p>This is a web site."
        self.send_response(200 if self.path.startswith("/site") else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Everybody(Html):
    """A SCIM server that does not look at the filter."""

    def do_GET(self):
        resource = {"id": "1", "userName": "somebody", "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]}
        answer = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 1, "startIndex": 1,
                  "itemsPerPage": 1, "Resources": [resource]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/scim+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # who is refused hangs up: that is what is tested


def serve(handler, context=None):
    server = Server(("127.0.0.1", 0), handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(sys.argv[1], sys.argv[2])
silent = socket.socket()  # takes connections, and never answers
silent.bind(("127.0.0.1", 0))
silent.listen(50)
closed = socket.socket()  # bound, so that nobody else gets the port, and not listening
closed.bind(("127.0.0.1", 0))
print("ports", serve(Html), serve(Everybody), serve(Html, tls), silent.getsockname()[1], closed.getsockname()[1], flush=True)
threading.Event().wait()
