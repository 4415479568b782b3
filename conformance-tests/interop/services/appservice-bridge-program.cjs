// A bridge made with matrix-appservice-bridge: it joins where its bot is invited, and a ghost answers to "hello".
// Arguments: the library's folder, the server's address and name, our port, the registration's file.
"use strict";
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const [, , folder, homeserverUrl, domain, port, file] = process.argv;
const library = createRequire(`${folder}/package.json`);
const { AppServiceRegistration, Bridge } = library("matrix-appservice-bridge");
const registration = AppServiceRegistration.fromObject(JSON.parse(readFileSync(file, "utf8")));

async function onEvent(request) {
  const event = request.getData();
  const { type, content, room_id: roomId, state_key: stateKey } = event;
  const bot = bridge.getIntent();
  if (type === "m.room.member" && content.membership === "invite" && stateKey === bot.userId) {
    await bot.join(roomId);
  }
  if (type !== "m.room.message" || event.sender.startsWith("@_bridge_")) return;
  const [word, number] = content.body.split(" ");
  if (word !== "hello") return;
  const ghost = bridge.getIntent(`@_bridge_ghost:${domain}`);
  await bot.invite(roomId, ghost.userId).catch(() => undefined);
  await ghost.join(roomId);
  await ghost.sendText(roomId, `hello to you ${number}`);
}

const bridge = new Bridge({
  ...{ homeserverUrl, domain, registration, disableStores: true, disableContext: true },
  controller: {
    onUserQuery: () => ({}),
    onAliasQuery: () => null,
    onEvent: (request) => void onEvent(request).catch((error) => console.error("failed", error)),
    onEphemeralEvent: (request) => console.log("ephemeral", request.getData().type),
  },
});

bridge
  .initialise()
  .then(() => bridge.listen(Number(port), "127.0.0.1"))
  .then(() => console.log("ready"))
  .catch((error) => {
    console.error("failed", error);
    process.exit(1);
  });
