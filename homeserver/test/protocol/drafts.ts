/** Events to be built, and the key that signs them. */
import { type EventDraft } from "../../src/protocol/events/build-event.ts";
import { signingKeyFromSeed, verifyKeyFromBase64 } from "../../src/protocol/crypto.ts";
import { roomVersion } from "../../src/protocol/room-versions.ts";

const SEED = new Uint8Array(32).fill(1);
export const KEY = signingKeyFromSeed("ed25519:k", SEED);
export const VERIFY_KEY = verifyKeyFromBase64(KEY.publicKeyBase64);
export const HASH_ROOM = `!${"A".repeat(43)}`;

export function version(id: string) {
  const found = roomVersion(id);
  if (found === undefined) throw new Error(`No room version ${id}`);
  return found;
}

export function draft(id: string): EventDraft {
  const domain = Number(id) < 3 ? ":example.org" : "";
  return {
    roomId: Number(id) < 12 ? "!room:example.org" : HASH_ROOM,
    type: "m.room.message",
    sender: "@alice:example.org",
    content: { msgtype: "m.text", body: "Grüße 😀", n: 1 },
    depth: 2,
    originServerTs: 1_700_000_000_000,
    prevEventIds: [`$p${domain}`],
    authEventIds: [`$a${domain}`, `$b${domain}`],
  };
}

export function createDraft(): EventDraft {
  return {
    type: "m.room.create",
    stateKey: "",
    sender: "@alice:example.org",
    content: { room_version: "12" },
    depth: 1,
    originServerTs: 1_700_000_000_000,
    prevEventIds: [],
    authEventIds: [],
  };
}
