"""A bridge made with mautrix-python: it joins where its bot is invited, and a ghost answers to "hello".

Arguments: the server's address and name, our port, the registration's file.
"""

import asyncio
import json
import sys

from mautrix.appservice import AppService
from mautrix.appservice.state_store import ASStateStore
from mautrix.client.state_store.memory import MemoryStateStore
from mautrix.types import EventType, Membership


class Store(ASStateStore, MemoryStateStore):
    def __init__(self):
        ASStateStore.__init__(self)
        MemoryStateStore.__init__(self)


async def main(url, domain, port, file):
    with open(file) as text:
        registration = json.load(text)
    service = AppService(
        server=url,
        domain=domain,
        as_token=registration["as_token"],
        hs_token=registration["hs_token"],
        bot_localpart=registration["sender_localpart"],
        id=registration["id"],
        state_store=Store(),
        ephemeral_events=True,
    )

    @service.matrix_event_handler
    async def on_event(event):
        bot = service.intent
        if event.type == EventType.ROOM_MEMBER and event.state_key == bot.mxid:
            if event.content.membership == Membership.INVITE:
                await bot.join_room(event.room_id)
        if event.type != EventType.ROOM_MESSAGE or event.sender.startswith("@_mautrix_"):
            return
        word, _, number = event.content.body.partition(" ")
        if word != "hello":
            return
        ghost = bot.user(f"@_mautrix_ghost:{domain}")
        await ghost.ensure_joined(event.room_id, bot=bot)
        await ghost.set_displayname("A ghost")
        await ghost.send_text(event.room_id, f"hello to you {number}")
        await ghost.mark_read(event.room_id, event.event_id)

    await service.start("127.0.0.1", int(port))
    await service.intent.ensure_registered()
    # The homeserver calls back, as bridges ask of it when they start.
    print("pinged in", await service.ping_self(), "ms", flush=True)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
