"""A mail server (aiosmtpd) that behaves as the recipient's name asks, and writes what it took to a file, one JSON object a line.

    mail_server.py PORT FILE (none|starttls|tls) [CERTIFICATE [USER PASSWORD]]

later-2@…   refused for now at RCPT twice, then taken      unknown@…  refused for good at RCPT
filtered@…  refused for good after the content             cut@…      the first one is taken, and the connection cut without an answer
hang@…      the first one is taken, and nothing answered   relay@…    relaying refused
It ends when its standard input does.
"""

import asyncio
import base64
import collections
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Behaviour:
    def __init__(self, path):
        self.path = path
        self.seen = collections.Counter()

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        self.seen[address] += 1
        if name.startswith("later-") and self.seen[address] <= int(name[len("later-"):]):
            return f"451 4.7.1 <{address}> greylisted, come again"
        if name == "unknown":
            return f"550 5.1.1 <{address}>: no such user"
        if name == "relay":
            return "554 5.7.1 Relay access denied"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        to = envelope.rcpt_tos[0]
        name = to.split("@")[0]
        if name == "filtered":
            return "554 5.7.9 content refused"
        self.seen["content " + to] += 1
        self.write({
            "to": to,
            "from": envelope.mail_from,
            "tls": session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
            "user": session.auth_data.decode() if session.authenticated else None,
            "message": base64.b64encode(envelope.content).decode(),
        })
        first = self.seen["content " + to] == 1
        if name == "cut" and first:
            server.transport.abort()
            await asyncio.sleep(3600)
        if name == "hang" and first:
            await asyncio.sleep(3600)
        return "250 taken"

    def write(self, record):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


async def main(port, path, security, certificate=None, user=None, password=None):
    behaviour = Behaviour(path)
    context = None
    if security != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def authenticate(server, session, envelope, mechanism, data):
        right = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=right, handled=True, auth_data=data.login)

    def session():
        return SMTP(
            behaviour,
            hostname="mail.test",
            enable_SMTPUTF8=False,
            tls_context=context if security == "starttls" else None,
            require_starttls=security == "starttls",
            authenticator=authenticate if user else None,
            auth_required=bool(user),
            auth_require_tls=security == "starttls",
        )

    loop = asyncio.get_running_loop()
    inner = context if security == "tls" else None
    server = await loop.create_server(session, "127.0.0.1", int(port), ssl=inner)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main(*sys.argv[1:]))
