"""Small servers for what no package serves by itself here: SMTP with STARTTLS, a file share's and a desktop's
first words, STUN, and plain lines. Run inside a namespace: `services.py KIND ADDRESS PORT [CERTIFICATE KEY]`."""

import asyncio
import ssl
import struct
import sys


async def smtp(reader, writer, context):
    """Enough of RFC 5321 and RFC 3207 for smtplib to deliver a letter."""

    async def say(*lines):
        writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await writer.drain()

    await say("220 mail.example ESMTP")
    while line := (await reader.readline()).decode("ascii", "replace").strip():
        verb = line.split(" ")[0].upper()
        if verb in ("EHLO", "HELO"):
            await say("250-mail.example", *(["250-STARTTLS"] if context else []), "250 8BITMIME")
        elif verb == "STARTTLS" and context:
            await say("220 go ahead")
            await writer.start_tls(context)
            context = None
        elif verb == "DATA":
            await say("354 end with a dot")
            while (await reader.readline()).strip() != b".":
                pass
            await say("250 queued")
        elif verb == "QUIT":
            await say("221 bye")
            break
        else:
            await say("250 ok")
    writer.close()


async def smb(reader, writer, _context):
    """Answers one SMB 2 NEGOTIATE (MS-SMB2 2.2.4) and waits for the peer to go."""
    await reader.read(4096)
    header = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ", 64, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0) + bytes(16)
    body = struct.pack("<HHHH", 65, 1, 0x0302, 0) + bytes(16) + struct.pack("<IIIIQQHHI", 1, 65536, 65536, 65536, 0, 0, 128, 0, 0)
    message = header + body
    writer.write(struct.pack("!I", len(message)) + message)
    await writer.drain()
    await reader.read(1)
    writer.close()


async def rdp(reader, writer, _context):
    """Confirms an X.224 connection request (MS-RDPBCGR 2.2.1.2) and waits for the peer to go."""
    await reader.read(4096)
    writer.write(bytes.fromhex("0300001302d00000123400021f080002000000"))  # RDP_NEG_RSP: PROTOCOL_HYBRID
    await writer.drain()
    await reader.read(1)
    writer.close()


async def lines(reader, writer, _context):
    """Answers every line with a line."""
    while line := await reader.readline():
        writer.write(b"ok " + line)
        await writer.drain()
    writer.close()


class Stun(asyncio.DatagramProtocol):
    """Answers a binding request with the address it came from (RFC 8489 section 14.2)."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        if len(data) < 20 or data[:2] != b"\x00\x01":
            return
        cookie = data[4:8]
        port = struct.pack("!H", peer[1] ^ 0x2112)
        address = bytes(a ^ b for a, b in zip((int(part) for part in peer[0].split(".")), cookie))
        attribute = struct.pack("!HHBB", 0x0020, 8, 0, 1) + port + address
        self.transport.sendto(struct.pack("!HH", 0x0101, len(attribute)) + data[4:20] + attribute, peer)


async def main():
    kind, address, port, *pair = sys.argv[1:]
    if kind == "stun":
        await asyncio.get_running_loop().create_datagram_endpoint(Stun, (address, int(port)))
        return await asyncio.Event().wait()
    context = None
    if pair:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*pair)
    speak = {"smtp": smtp, "smb": smb, "rdp": rdp, "lines": lines}[kind]
    server = await asyncio.start_server(lambda reader, writer: speak(reader, writer, context), address, int(port))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
