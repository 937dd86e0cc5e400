"""A real mail server for the tests of feedback-email: aiosmtpd with STARTTLS or TLS, and a sign-in.

Arguments: folder, certificate, key, and how TLS is spoken (starttls or tls). It prints its port, and writes each mail that
it takes into the folder.
"""

import asyncio
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

folder, certificate, key, how = sys.argv[1:5]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)


class Keep:
    """Takes everything but mails to one person."""

    taken = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        Keep.taken += 1
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None or how == "tls",
            "user": session.auth_data,
            "raw": envelope.content.decode("utf-8"),
        }
        pathlib.Path(folder, f"{Keep.taken}.json").write_text(json.dumps(mail))
        return "250 2.0.0 taken"


def sign_in(server, session, envelope, mechanism, data):
    is_right = data.login == b"hub" and data.password == b"p@ss word"
    # Not handled: the server says so to the client by itself.
    return AuthResult(success=is_right, handled=False, auth_data="hub" if is_right else None)


def protocol():
    return SMTP(
        Keep(),
        hostname="mail.test",
        tls_context=context if how == "starttls" else None,
        require_starttls=how == "starttls",
        auth_required=True,
        auth_require_tls=how == "starttls",
        authenticator=sign_in,
        enable_SMTPUTF8=True,
    )


async def main():
    loop = asyncio.get_running_loop()
    tls = context if how == "tls" else None
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
