/** An encrypted conversation: two programs that speak, by matrix-js-sdk, to whoever has come to read it. */
import { setTimeout as delay } from "node:timers/promises";
import { join } from "./demo-conversation.mjs";

const LOOK_MS = 1000;
/** Between two lines, so that they arrive in their order on either server. */
const PAUSE_MS = 2000;
const LINES = [
  [0, "Only the people in this room can read this, not even the two servers."],
  [1, "Right. Each device has keys of its own, and yours got them a moment ago."],
  [0, "Write something: it is encrypted before it leaves your browser."],
];

/**
 * Makes a room for each reader, and speaks there as soon as the reader's browser has keys: nothing is said before that they could
 * not read.
 *
 * @returns a promise of a function that ends it
 */
export async function secretRooms(servers, speakers, readers) {
  hush();
  const clients = await Promise.all(speakers.map(startClient));
  const end = new AbortController();
  const talks = readers.map(async (reader) => {
    const roomId = await makeRoom(clients[0], [...speakers.slice(1), reader]);
    for (const user of [...speakers.slice(1), reader]) {
      await join(user, roomId, servers[0].serverName);
    }
    await greet(clients, roomId, reader.userId, end.signal);
  });
  const all = Promise.all(talks).catch((error) => {
    if (!end.signal.aborted) console.error(`The encrypted conversation ended: ${error.message}`);
  });
  return async () => {
    end.abort();
    // What the SDK has asked for fails now, also where it does not look.
    process.on("unhandledRejection", () => undefined);
    for (const client of clients) client.stopClient();
    await all;
  };
}

async function makeRoom(client, guests) {
  const { room_id: roomId } = await client.createRoom({
    preset: "private_chat",
    name: "Behind closed doors",
    topic: "End-to-end encrypted",
    invite: guests.map(({ userId }) => userId),
    initial_state: [
      { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
    ],
  });
  return roomId;
}

async function startClient({ url, userId, deviceId, accessToken }) {
  const { createClient } = await import("matrix-js-sdk");
  const client = createClient({ baseUrl: url, userId, deviceId, accessToken, logger: SILENT });
  await client.initRustCrypto({ useIndexedDB: false });
  const crypto = client.getCrypto();
  await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: (send) => send(null) });
  await client.startClient({ initialSyncLimit: 1 });
  return client;
}

const nothing = () => undefined;
/** The SDK tells of each of its steps; whoever watches the demo wants none of them. */
const SILENT = {
  ...{ trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing },
  getChild: () => SILENT,
};

/** Its parts that do not ask for a logger. */
function hush() {
  for (const level of ["trace", "debug", "info", "warn"]) console[level] = nothing;
}

/** Says the lines, one after another, once the reader has a device with keys. */
async function greet(clients, roomId, userId, signal) {
  for (const [who, body] of LINES) {
    await ready(clients[who], roomId, userId, signal);
    await clients[who].sendTextMessage(roomId, body);
    await delay(PAUSE_MS, undefined, { signal });
  }
}

async function hasKeys(client, userId) {
  const devices = await client.getCrypto().getUserDeviceInfo([userId], true);
  return (devices.get(userId)?.size ?? 0) > 0;
}

/** Waits until a speaker is in the room, and knows the reader's devices. */
async function ready(client, roomId, userId, signal) {
  while (
    client.getRoom(roomId)?.getMyMembership() !== "join" ||
    client.getRoom(roomId)?.getMember(userId)?.membership !== "join" ||
    !(await hasKeys(client, userId))
  ) {
    await delay(LOOK_MS, undefined, { signal });
  }
}
