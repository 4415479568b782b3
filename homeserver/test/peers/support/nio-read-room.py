"""Reads one room with matrix-nio, and prints what it found as JSON.

Arguments: homeserver URL, user id, password, room id. TLS trusts the CA file of SSL_CERT_FILE.
"""

import asyncio
import json
import ssl
import sys

from nio import AsyncClient, LoginResponse, MessageDirection, RoomMessagesResponse, SyncResponse


def expect(kind, response):
    if not isinstance(response, kind):
        raise SystemExit(f"expected {kind.__name__}, got {response!r}")
    return response


async def history(client, room_id, start):
    """All events of the room, newest first."""
    events = []
    while start:
        page = expect(
            RoomMessagesResponse,
            await client.room_messages(
                room_id, start, direction=MessageDirection.back, limit=100
            ),
        )
        events += [event.source for event in page.chunk]
        if not page.chunk:
            break
        start = page.end
    return events


async def main(url, user_id, password, room_id):
    client = AsyncClient(url, user_id, ssl=ssl.create_default_context())
    try:
        expect(LoginResponse, await client.login(password, device_name="matrix-nio"))
        sync = expect(SyncResponse, await client.sync(timeout=0, full_state=True))
        room = client.rooms[room_id]
        timeline = sync.rooms.join[room_id].timeline
        newest = [event.source for event in reversed(timeline.events)]
        older = await history(client, room_id, timeline.prev_batch)
        return {
            "name": room.display_name,
            "members": sorted(room.users),
            "levels": room.power_levels.users,
            "events": newest + older,
        }
    finally:
        await client.close()


print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
