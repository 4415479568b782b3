"""A bot made with simplematrixbotlib, encrypted: it answers "!echo TEXT" with TEXT.

Arguments: homeserver URL, user name, password. Its session and its keys are below the current folder.
"""

import sys

import simplematrixbotlib as botlib


def main(url, name, password):
    creds = botlib.Creds(url, name, password, session_stored_file="session.txt")
    config = botlib.Config()
    config.encryption_enabled = True
    config.ignore_unverified_devices = True
    config.store_path = "./keys/"
    bot = botlib.Bot(creds, config)

    @bot.listener.on_message_event
    async def echo(room, message):
        match = botlib.MessageMatch(room, message, bot, "!")
        if match.is_not_from_this_bot() and match.prefix() and match.command("echo"):
            await bot.api.send_text_message(room.room_id, " ".join(match.args()))

    @bot.listener.on_startup
    async def joined(room_id):
        print("is in", room_id, flush=True)

    bot.run()


main(*sys.argv[1:])
