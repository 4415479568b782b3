import { describe, expect, test } from "vitest";
import { buildEvent, signPdu } from "../../src/protocol/events/build-event.ts";
import { clientEvent, strippedState } from "../../src/protocol/events/client-event.ts";
import { decodeBase64, signingKeyFromSeed } from "../../src/protocol/crypto.ts";
import { Rejection } from "../../src/protocol/errors.ts";
import {
  eventFromStored,
  parsePdu,
  type Pdu,
  redactEvent,
  referenceHash,
} from "../../src/protocol/events/event.ts";
import { requiredSigners } from "../../src/protocol/events/event-signatures.ts";
import {
  contentHashText,
  membersOf,
  signedEventText,
} from "../../src/protocol/events/event-text.ts";
import { type Json, type JsonObject, parseLoose } from "../../src/protocol/json.ts";
import { sha256Base64, signText } from "../../src/protocol/crypto.ts";
import { vectors } from "./vectors.ts";
import { KEY, draft, version } from "./drafts.ts";

describe("hashes and ids", () => {
  interface Hashed {
    roomVersion: string;
    event: JsonObject;
    contentHash: string;
    referenceHash: string;
    eventId: string;
    roomId?: string;
  }
  test.each(vectors<Hashed>("hashes/events").cases)("$name", (vector) => {
    // Through text: floats must come as they are written.
    const event = parsePdu(reread(vector.event), version(vector.roomVersion));
    expect(event.contentHashMatches()).toBe(true);
    expect(event.pdu.hashes.sha256).toBe(vector.contentHash);
    expect(referenceHash(event)).toBe(vector.referenceHash);
    expect(event.eventId).toBe(vector.eventId);
    if (vector.roomId !== undefined) expect(event.roomId).toBe(vector.roomId);
  });

  interface Tampered {
    roomVersion: string;
    event: JsonObject;
    matches: boolean;
    eventId: string;
  }
  test.each(vectors<Tampered>("hashes/tampering").cases)("$name", (vector) => {
    const event = parsePdu(vector.event, version(vector.roomVersion));
    expect(event.contentHashMatches()).toBe(vector.matches);
    expect(event.eventId).toBe(vector.eventId);
    expect(redactEvent(event).eventId).toBe(vector.eventId);
    expect(referenceHash(redactEvent(event))).toBe(referenceHash(event));
  });
});

describe("signing events", () => {
  interface Signed {
    roomVersion: string;
    event: Pdu;
    signed: Pdu & { signatures: Record<string, Record<string, string>> };
  }
  interface Facts {
    seed: string;
    keyId: string;
    serverName: string;
  }
  const file = vectors<Signed, Facts>("signatures/events");
  const key = signingKeyFromSeed(file.keyId, decodeBase64(file.seed) as Buffer);

  test.each(file.cases)("$name", ({ roomVersion: id, event, signed }) => {
    // The published examples lack keys that events must have, so this goes by the texts.
    const { hashes: _hashes, signatures: _signatures, ...bare } = event;
    const pdu = bare as Pdu;
    const hash = sha256Base64(contentHashText(membersOf(pdu, version(id))));
    expect(hash).toBe(signed.hashes.sha256);
    pdu.hashes = { sha256: hash };
    const text = signedEventText(membersOf(pdu, version(id)), pdu, version(id));
    expect(signText(text, key)).toBe(signed.signatures[file.serverName]?.[file.keyId]);
  });

  test("yields the vectors' events whole, from version 3 on", () => {
    const ours = file.cases.filter(({ name }) => !name.startsWith("published"));
    for (const { roomVersion: id, event, signed } of ours) {
      expect(signPdu(event, version(id), file.serverName, key).pdu).toEqual(signed);
    }
  });
});

describe("an event", () => {
  test("of an old version may be deeper than numbers go", () => {
    const text = buildEvent(draft("5"), version("5"), "example.org", KEY)
      .json()
      .replace('"depth":2', '"depth":9223372036854775807');
    const event = parsePdu(parseLoose(text), version("5"));
    expect(event.depth).toBe(Number.MAX_SAFE_INTEGER);
    expect(event.json()).toBe(text);
    expect(eventFromStored(text, version("5"), event.eventId).json()).toBe(text);
  });

  test("names the same reference once", () => {
    const event = buildEvent(
      { ...draft("12"), prevEventIds: ["$a", "$b", "$a"] },
      version("12"),
      "example.org",
      KEY,
    );
    expect(event.prevEventIds).toEqual(["$a", "$b"]);
  });

  test("for clients has what they may see and no more", () => {
    const unsigned = { age: 5 };
    const event = buildEvent(
      { ...draft("12"), stateKey: "", unsigned: { secret: 1 } },
      version("12"),
      "example.org",
      KEY,
    );
    const client = clientEvent(event, { unsigned });
    expect(Object.keys(client)).toEqual([
      "content",
      "event_id",
      "origin_server_ts",
      "room_id",
      "sender",
      "state_key",
      "type",
      "unsigned",
    ]);
    expect(client.unsigned).toEqual(unsigned);
    expect(clientEvent(event, { unsigned: {}, withoutRoomId: true })).toEqual({
      content: event.content,
      event_id: event.eventId,
      origin_server_ts: event.originServerTs,
      sender: event.sender,
      state_key: "",
      type: event.type,
    });
    expect(Object.keys(strippedState(event))).toEqual(["content", "sender", "state_key", "type"]);
  });

  test("needs the signatures of those who answer for it", () => {
    const member = (id: string, content: JsonObject, sender = "@alice:example.org") =>
      requiredSigners(
        parsePdu(
          {
            ...buildEvent(
              { ...draft(id), type: "m.room.member", stateKey: sender, sender, content },
              version(id),
              "example.org",
              KEY,
            ).pdu,
          },
          version(id),
        ),
      );
    const vouched = { membership: "join", join_authorised_via_users_server: "@bob:vouch.example" };
    expect(member("10", vouched)).toEqual(["example.org", "vouch.example"]);
    expect(member("7", vouched)).toEqual(["example.org"]);
    expect(member("12", { ...vouched, membership: "leave" })).toHaveLength(2);
    expect(() => member("10", { ...vouched, join_authorised_via_users_server: 5 })).toThrow(
      Rejection,
    );
    expect(member("10", { membership: "invite", third_party_invite: {} })).toEqual([]);
    expect(member("1", { membership: "join" }, "@a:elsewhere.example")).toEqual([
      "elsewhere.example",
      "example.org",
    ]);
  });
});

/** A vector's event as a peer's text would bring it (JSON.parse made 1000.0 of the file an integer). */
function reread(event: JsonObject): Json {
  return parseLoose(JSON.stringify(event).replace('"ban":1000', '"ban":1000.0'));
}
