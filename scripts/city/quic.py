"""A QUIC v1 server and client (aioquic): `quic.py server ADDRESS PORT CERT KEY`, `quic.py client ADDRESS PORT NAME CA`."""

import asyncio
import sys

from aioquic.asyncio import connect, serve
from aioquic.quic.configuration import QuicConfiguration


def answer(reader, writer):
    async def speak():
        await reader.read()
        writer.write(b"a page of the demo city\n")
        writer.write_eof()

    asyncio.ensure_future(speak())


async def server(address, port, certificate, key):
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    configuration.load_cert_chain(certificate, key)
    await serve(address, int(port), configuration=configuration, stream_handler=answer)
    await asyncio.Event().wait()


async def client(address, port, name, authority):
    configuration = QuicConfiguration(alpn_protocols=["h3"], server_name=name)
    configuration.load_verify_locations(authority)
    async with connect(address, int(port), configuration=configuration, local_port=0) as connection:
        reader, writer = await connection.create_stream()
        writer.write(b"GET /\n")
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 5)


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))
