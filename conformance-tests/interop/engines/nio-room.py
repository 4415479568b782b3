"""A device that reads and writes in an encrypted room with matrix-nio and libolm.

Arguments: homeserver URL, user id, password, room id, folder for its keys. Each line of the input is a JSON object
{"say": text}; each line of the output is one of {"ready": device id}, {"said": event id},
{"read": event id, "body": text} and {"failed": why}.
"""

import asyncio
import json
import sys

from nio import (
    AsyncClient,
    AsyncClientConfig,
    EncryptionError,
    LoginResponse,
    MegolmEvent,
    RoomMessageText,
    RoomSendResponse,
    SyncResponse,
)


def tell(**line):
    print(json.dumps(line), flush=True)


def expect(kind, response):
    if not isinstance(response, kind):
        tell(failed=f"expected {kind.__name__}, got {response!r}")
        raise SystemExit(1)
    return response


class Room:
    def __init__(self, client, room_id):
        self.client = client
        self.room_id = room_id
        self.sealed = {}
        client.add_event_callback(self.on_text, RoomMessageText)
        client.add_event_callback(self.on_sealed, MegolmEvent)
        client.add_response_callback(self.on_sync, SyncResponse)
        self.is_ready = False

    async def on_text(self, room, event):
        if event.decrypted:
            tell(read=event.event_id, body=event.body)

    async def on_sealed(self, room, event):
        self.sealed[event.event_id] = event

    async def on_sync(self, _):
        """Its key may have come after the event."""
        for event_id, event in list(self.sealed.items()):
            try:
                found = self.client.decrypt_event(event)
            except EncryptionError:
                continue
            del self.sealed[event_id]
            if isinstance(found, RoomMessageText):
                tell(read=event_id, body=found.body)
        if not self.is_ready:
            self.is_ready = True
            tell(ready=self.client.device_id)

    async def say(self, text):
        sent = await self.client.room_send(
            self.room_id,
            "m.room.message",
            {"msgtype": "m.text", "body": text},
            ignore_unverified_devices=True,
        )
        tell(said=expect(RoomSendResponse, sent).event_id)


async def main(url, user_id, password, room_id, folder):
    config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=False)
    client = AsyncClient(url, user_id, store_path=folder, config=config)
    expect(LoginResponse, await client.login(password))
    room = Room(client, room_id)
    syncing = asyncio.ensure_future(client.sync_forever(timeout=1000, full_state=True))
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        await room.say(json.loads(line)["say"])
    syncing.cancel()
    await client.close()


asyncio.run(main(*sys.argv[1:]))
