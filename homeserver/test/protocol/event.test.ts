import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addSignature,
  buildEvent,
  draftPdu,
  type EventDraft,
  signPdu,
} from "../../src/protocol/events/build-event.ts";
import { clientEvent, strippedState } from "../../src/protocol/events/client-event.ts";
import {
  decodeBase64,
  signingKeyFromSeed,
  verifyKeyFromBase64,
} from "../../src/protocol/crypto.ts";
import { Rejection } from "../../src/protocol/errors.ts";
import {
  eventFromStored,
  parsePdu,
  type Pdu,
  redactEvent,
  referenceHash,
} from "../../src/protocol/events/event.ts";
import {
  requiredSigners,
  verifyEventSignature,
  verifyEventSignatureAsync,
} from "../../src/protocol/events/event-signatures.ts";
import {
  contentHashText,
  membersOf,
  signedEventText,
} from "../../src/protocol/events/event-text.ts";
import { type Json, type JsonObject, parseLoose } from "../../src/protocol/json.ts";
import { ROOM_VERSION_IDS, roomVersion } from "../../src/protocol/room-versions.ts";
import { sha256Base64, signText } from "../../src/protocol/crypto.ts";
import { vectors } from "./vectors.ts";

const SEED = new Uint8Array(32).fill(1);
const KEY = signingKeyFromSeed("ed25519:k", SEED);
const VERIFY_KEY = verifyKeyFromBase64(KEY.publicKeyBase64);
const HASH_ROOM = `!${"A".repeat(43)}`;

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

describe("building events", () => {
  test.each(ROOM_VERSION_IDS)("in version %s gives what a peer accepts", async (id) => {
    const event = buildEvent(draft(id), version(id), "example.org", KEY);
    const received = parsePdu(parseLoose(event.json()), version(id));
    expect(received.eventId).toBe(event.eventId);
    expect(received.json()).toBe(event.json());
    expect(received.contentHashMatches()).toBe(true);
    expect(event.contentHashMatches()).toBe(true);
    expect(requiredSigners(received)).toEqual(["example.org"]);
    expect(verifyEventSignature(received, "example.org", "ed25519:k", VERIFY_KEY)).toBe(true);
    expect(await verifyEventSignatureAsync(received, "example.org", "ed25519:k", VERIFY_KEY)).toBe(
      true,
    );
    const stored = eventFromStored(event.json(), version(id), event.eventId);
    expect(fields(stored)).toEqual(fields(event));
    expect(stored.signedText()).toBe(event.signedText());
  });

  test("gives the same event for any content, read back from its text", () => {
    const contents = fc.dictionary(
      fc.string({ unit: "grapheme" }),
      fc.oneof(fc.string({ unit: "grapheme" }), fc.maxSafeInteger(), fc.boolean()),
    );
    fc.assert(
      fc.property(contents, fc.constantFrom(...ROOM_VERSION_IDS), (content, id) => {
        const event = buildEvent({ ...draft(id), content }, version(id), "example.org", KEY);
        const received = parsePdu(parseLoose(event.json()), version(id));
        expect(received.eventId).toBe(event.eventId);
        expect(received.contentHashMatches()).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("of a version 12 create event makes the room's id of the event's", () => {
    const create = buildEvent(createDraft(), version("12"), "example.org", KEY);
    expect(create.pdu.room_id).toBeUndefined();
    expect(create.roomId).toBe(`!${create.eventId.slice(1)}`);
    expect(clientEvent(create).room_id).toBe(create.roomId);
    expect(redactEvent(create).roomId).toBe(create.roomId);
    const stored = eventFromStored(create.json(), version("12"), create.eventId);
    expect(stored.roomId).toBe(create.roomId);
  });

  test("puts the target of a redaction where the version keeps it", () => {
    for (const id of ROOM_VERSION_IDS) {
      const redaction = { ...draft(id), type: "m.room.redaction", content: {}, redacts: "$t" };
      const event = buildEvent(redaction, version(id), "example.org", KEY);
      expect(event.redacts).toBe("$t");
      expect(event.pdu.redacts).toBe(Number(id) < 11 ? "$t" : undefined);
      expect(event.content.redacts).toBe(Number(id) < 11 ? undefined : "$t");
      expect(clientEvent(event)).toMatchObject({ redacts: "$t", content: { redacts: "$t" } });
    }
  });

  test("quotes reference hashes in versions 1 and 2", () => {
    const hashes = new Map([["$p:example.org", "aGFzaA"]]);
    const pdu = draftPdu({ ...draft("1"), referenceHashes: hashes }, version("1"));
    expect(pdu.prev_events).toEqual([["$p:example.org", { sha256: "aGFzaA" }]]);
  });

  test("refuses what is too large with M_TOO_LARGE", () => {
    const large = (size: number) => ({ ...draft("12"), content: { body: "x".repeat(size) } });
    const fits = buildEvent(large(65_000), version("12"), "example.org", KEY).json().length;
    const most = 65_000 + (65_536 - fits);
    expect(buildEvent(large(most), version("12"), "example.org", KEY).json()).toHaveLength(65_536);
    const tooLarge = expect.objectContaining({ errcode: "M_TOO_LARGE", status: 413 });
    const build = (changes: Partial<EventDraft>) => () =>
      buildEvent({ ...draft("12"), ...changes }, version("12"), "example.org", KEY);
    expect(build(large(most + 1))).toThrow(tooLarge);
    expect(build({ type: "x".repeat(256) })).toThrow(tooLarge);
    expect(build({ type: "ü".repeat(128) })).toThrow(tooLarge);
    expect(build({ stateKey: "x".repeat(256) })).toThrow(tooLarge);
  });

  test("refuses content that canonical JSON forbids with M_BAD_JSON", () => {
    const bad = expect.objectContaining({ errcode: "M_BAD_JSON", status: 400 });
    for (const content of [{ a: 1.5 }, { a: "\ud800" }, { a: 2 ** 53 }, { "\udc00": 1 }]) {
      const build = () =>
        buildEvent({ ...draft("12"), content }, version("12"), "example.org", KEY);
      expect(build).toThrow(bad);
    }
  });

  test("signs a peer's template, whatever seals it came with", () => {
    const template = {
      ...draftPdu(draft("10"), version("10")),
      hashes: { sha256: "x" },
      signatures: 7,
      event_id: "$x",
    };
    const event = signPdu(template, version("10"), "example.org", KEY);
    expect(event.eventId).toBe(buildEvent(draft("10"), version("10"), "example.org", KEY).eventId);
    expect(() => signPdu({ type: 7 }, version("10"), "example.org", KEY)).toThrow(
      expect.objectContaining({ errcode: "M_BAD_JSON" }),
    );
  });

  test("a second server's signature does not change the id", () => {
    const event = buildEvent(draft("12"), version("12"), "example.org", KEY);
    const cosigned = addSignature(event, "other.example", KEY);
    expect(cosigned.eventId).toBe(event.eventId);
    expect(parsePdu(parseLoose(cosigned.json()), version("12")).eventId).toBe(event.eventId);
    for (const server of ["example.org", "other.example"]) {
      expect(verifyEventSignature(cosigned, server, "ed25519:k", VERIFY_KEY)).toBe(true);
    }
  });
});

describe("a peer's event is rejected", () => {
  const good = (id: string) =>
    JSON.parse(buildEvent(draft(id), version(id), "example.org", KEY).json()) as JsonObject;
  const long = "x".repeat(256);
  const refs = (count: number) => Array.from({ length: count }, (_, n) => `$${n}`);
  const faults: Record<string, JsonObject> = {
    "a type that is no text": { type: 5 },
    "no type": { type: undefined },
    "a type of 256 bytes": { type: long },
    "a state key that is no text": { state_key: 5 },
    "a state key of 256 bytes": { state_key: long },
    "a state key that is null": { state_key: null },
    "a sender that is no user id": { sender: "alice" },
    "a sender of 256 bytes": { sender: `@${"a".repeat(243)}:example.org` },
    "a content that is a list": { content: [] },
    "no content": { content: undefined },
    "no room id": { room_id: undefined },
    "a room id of version 12": { room_id: HASH_ROOM },
    "a depth that is no number": { depth: "1" },
    "a negative depth": { depth: -1 },
    "a time that is no number": { origin_server_ts: "now" },
    "no hashes": { hashes: undefined },
    "hashes without sha256": { hashes: { md5: "x" } },
    "signatures that are a list": { signatures: [] },
    "no prev_events": { prev_events: undefined },
    "21 prev_events": { prev_events: refs(21) },
    "11 auth_events": { auth_events: refs(11) },
    "prev_events in pairs": { prev_events: [["$a:example.org", { sha256: "x" }]] },
    "an auth event that is no event id": { auth_events: ["auth"] },
    "over 65,536 bytes": { content: { body: "x".repeat(65_536) } },
  };
  for (const [name, fault] of Object.entries(faults)) {
    test(`for ${name}`, () => {
      expect(() => parsePdu({ ...good("11"), ...fault }, version("11"))).toThrow(Rejection);
    });
  }

  test("when it is no object", () => {
    for (const value of [null, 5, "x", [], true] as Json[]) {
      expect(() => parsePdu(value, version("11"))).toThrow(Rejection);
    }
  });

  test("for 20 prev_events and 10 auth_events it is not", () => {
    const value = { ...good("11"), prev_events: refs(20), auth_events: refs(10) };
    expect(parsePdu(value, version("11")).prevEventIds).toHaveLength(20);
  });

  test("for a version 12 room id with a server, or a create event with any", () => {
    const value = { ...good("12"), room_id: "!room:example.org" };
    expect(() => parsePdu(value, version("12"))).toThrow(Rejection);
    const create = buildEvent(createDraft(), version("12"), "example.org", KEY);
    const named = { ...create.pdu, room_id: create.roomId };
    expect(() => parsePdu(named, version("12"))).toThrow(Rejection);
  });

  test("for an event id without a server in versions 1 and 2", () => {
    for (const event_id of [undefined, "$x", "$x:", 5, "$x:exa mple"]) {
      expect(() => parsePdu({ ...good("1"), event_id }, version("1"))).toThrow(Rejection);
    }
  });

  test("for forbidden JSON from version 6 on, and tolerated before", () => {
    const texts = [
      (text: string) => text.replace('"depth":2', '"depth":2.0'),
      (text: string) => text.replace('"body":', '"body":"x","body":'),
      (text: string) => text.replace('"n":1', '"n":1e2'),
      (text: string) => text.replace('"n":1', '"n":9007199254740993'),
      (text: string) => text.replace('"n":1', '"n":-0'),
    ];
    for (const id of ROOM_VERSION_IDS) {
      const json = buildEvent(draft(id), version(id), "example.org", KEY).json();
      for (const change of texts) {
        const value = parseLoose(change(json));
        if (Number(id) >= 6) expect(() => parsePdu(value, version(id))).toThrow(Rejection);
        else expect(parsePdu(value, version(id)).depth).toBe(2);
      }
    }
  });

  test("for lone surrogates in every version", () => {
    for (const id of ROOM_VERSION_IDS) {
      const value = parseLoose(JSON.stringify({ ...good(id), content: { body: "\ud800" } }));
      expect(() => parsePdu(value, version(id))).toThrow(Rejection);
    }
  });

  test("and nothing else is ever thrown, whatever comes", () => {
    const keys = fc.constantFrom(...Object.keys(good("11")), "unsigned", "__proto__", "redacts");
    fc.assert(
      fc.property(fc.constantFrom("1", "5", "11", "12"), keys, fc.jsonValue(), (id, key, junk) => {
        const value = parseLoose(JSON.stringify({ ...good(id), [key]: junk }));
        try {
          expect(parsePdu(value, version(id)).version.id).toBe(id);
        } catch (error) {
          expect(error).toBeInstanceOf(Rejection);
        }
      }),
      { numRuns: 500 },
    );
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

function version(id: string) {
  const found = roomVersion(id);
  if (found === undefined) throw new Error(`No room version ${id}`);
  return found;
}

function draft(id: string): EventDraft {
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

function createDraft(): EventDraft {
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

/** A vector's event as a peer's text would bring it (JSON.parse made 1000.0 of the file an integer). */
function reread(event: JsonObject): Json {
  return parseLoose(JSON.stringify(event).replace('"ban":1000', '"ban":1000.0'));
}

function fields(event: object): object {
  return { ...event };
}
