// A bridge made with matrix-bot-sdk: its bot joins where it is invited, and a ghost answers to "hello".
// Arguments: the library's folder, the server's address and name, our port, the registration's file.
"use strict";
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const [, , folder, homeserverUrl, homeserverName, port, file] = process.argv;
const library = createRequire(`${folder}/package.json`);
const { Appservice, MemoryStorageProvider, SimpleRetryJoinStrategy } = library("matrix-bot-sdk");
const registration = JSON.parse(readFileSync(file, "utf8"));

const service = new Appservice({
  ...{ registration, homeserverUrl, homeserverName, port: Number(port) },
  ...{ bindAddress: "127.0.0.1", storage: new MemoryStorageProvider() },
  joinStrategy: new SimpleRetryJoinStrategy(),
});

async function onMessage(roomId, event) {
  if (service.isNamespacedUser(event.sender) || event.content?.body === undefined) return;
  const [word, number] = event.content.body.split(" ");
  if (word !== "hello") return;
  const ghost = service.getIntentForSuffix("ghost");
  await ghost.ensureRegistered();
  await service.botClient.inviteUser(ghost.userId, roomId).catch(() => undefined);
  await ghost.underlyingClient.setDisplayName("A ghost");
  await ghost.sendText(roomId, `hello to you ${number}`);
}

service.on("room.invite", (roomId, event) => {
  if (event.state_key !== service.botUserId) return;
  service.botIntent.joinRoom(roomId).catch((error) => console.error("failed", error));
});
service.on("room.message", (roomId, event) => {
  onMessage(roomId, event).catch((error) => console.error("failed", error));
});
service.on("query.user", (_userId, create) => create({ display_name: "A ghost" }));

service
  .begin()
  .then(() => console.log("ready"))
  .catch((error) => {
    console.error("failed", error);
    process.exit(1);
  });
