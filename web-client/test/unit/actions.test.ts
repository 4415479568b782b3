import { describe, expect, test } from "vitest";
import { NetworkError } from "../../src/api/errors.ts";
import type { EventContent } from "../../src/api/types.ts";
import {
  acceptInvite,
  markRead,
  openDirect,
  toggleReaction,
  viaServers,
} from "../../src/store/actions.ts";
import { noEncryption } from "./no-encryption.ts";
import type { Client } from "../../src/store/client.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import { createEvents, syncOf } from "./events.ts";

const ME = "@me:one";
const ANN = "@ann:two";
const BEN = "@ben:three";
const ROOM = "!r:one";

/** A client with one joined room, whose requests are noted and answered as the test says. */
function setUp(directs: EventContent<"m.direct"> = {}) {
  const done: unknown[][] = [];
  const answers: Record<string, unknown> = {};
  const operation =
    (name: string) =>
    async (...args: unknown[]) => {
      done.push([name, ...args]);
      const answer = answers[name];
      if (answer instanceof Error) throw answer;
      return answer;
    };
  const store = new RoomStore(ME);
  const make = createEvents();
  const client = {
    session: { userId: ME },
    encryption: noEncryption("D"),
    store,
    sync: { hasAll: async () => undefined },
    outbox: {
      send: (_room: unknown, type: string, content: object) => done.push(["send", type, content]),
      redact: operation("redact"),
    },
    api: {
      rooms: {
        create: operation("create"),
        join: operation("join"),
        markRead: operation("markRead"),
      },
      account: { setAccountData: operation("setAccountData") },
    },
  } as unknown as Client;
  const said = make.message(ANN, "hello");
  store.apply(
    syncOf(
      ROOM,
      {
        timeline: { events: [make.member(ME), make.member(ANN), said] },
        unread_notifications: { notification_count: 3, highlight_count: 1 },
      },
      { account_data: { events: [{ type: "m.direct", content: directs }] } },
    ),
    0,
  );
  return { client, store, make, done, answers, said, room: store.room(ROOM)! };
}

describe("a reaction", () => {
  test("is put on a message, and taken back by its event", async () => {
    const { client, room, make, done, said } = setUp();
    await toggleReaction(client, room, said.event_id, "👍");
    const content = {
      "m.relates_to": { rel_type: "m.annotation", event_id: said.event_id, key: "👍" },
    };
    expect(done).toEqual([["send", "m.reaction", content]]);
    const mine = make.event("m.reaction", ME, content);
    room.timeline.append([mine], { limited: false });
    await toggleReaction(client, room, said.event_id, "👍");
    expect(done[1]).toEqual(["redact", room, mine.event_id]);
  });

  test("of others is not taken back, but joined", async () => {
    const { client, room, make, done, said } = setUp();
    room.timeline.append([make.reaction(ANN, said.event_id, "👍")], { limited: false });
    await toggleReaction(client, room, said.event_id, "👍");
    expect(done[0]?.[0]).toBe("send");
  });

  test("that is still on its way is left alone", async () => {
    const { client, room, make, done, said } = setUp();
    const echo = { ...make.reaction(ME, said.event_id, "👍"), event_id: "~t1" };
    room.timeline.addPending(echo, "t1");
    await toggleReaction(client, room, said.event_id, "👍");
    expect(done).toEqual([]);
  });
});

describe("reading", () => {
  test("up to the end clears the counts at once, here and in the list", async () => {
    const { client, room, store, done, said } = setUp();
    await markRead(client, room, said.event_id);
    expect(store.summary(ROOM)).toMatchObject({ unread: 0, highlights: 0 });
    expect(room.fullyRead).toBe(said.event_id);
    expect(room.receipts.of(ME)?.eventId).toBe(said.event_id);
    expect(done).toEqual([["markRead", ROOM, said.event_id]]);
  });

  test("not up to the end leaves them to the server", async () => {
    const { client, room, store } = setUp();
    await markRead(client, room, "$before");
    expect(store.summary(ROOM)).toMatchObject({ unread: 3, highlights: 1 });
    expect(room.fullyRead).toBe("$before");
  });
});

describe("a direct chat", () => {
  test("that there is, is opened", async () => {
    const { client, done } = setUp({ [ANN]: [ROOM] });
    expect(await openDirect(client, ANN)).toBe(ROOM);
    expect(done).toEqual([]);
  });

  test("is made and noted beside the others, the newest first", async () => {
    const { client, done, answers } = setUp({ [ANN]: ["!left:one"], [BEN]: [ROOM] });
    answers["create"] = "!new:one";
    expect(await openDirect(client, ANN)).toBe("!new:one");
    expect(done).toEqual([
      [
        "create",
        {
          visibility: "private",
          preset: "trusted_private_chat",
          invite: [ANN],
          is_direct: true,
          initial_state: [
            {
              type: "m.room.encryption",
              state_key: "",
              content: { algorithm: "m.megolm.v1.aes-sha2" },
            },
          ],
        },
      ],
      ["setAccountData", "m.direct", { [ANN]: ["!new:one", "!left:one"], [BEN]: [ROOM] }],
    ]);
  });

  test("that is noted right after another does not undo that one", async () => {
    const { client, done, answers } = setUp();
    answers["create"] = "!new:one";
    await openDirect(client, ANN);
    answers["create"] = "!newer:one";
    await openDirect(client, BEN);
    expect(done.at(-1)).toEqual([
      "setAccountData",
      "m.direct",
      { [ANN]: ["!new:one"], [BEN]: ["!newer:one"] },
    ]);
  });

  test("which the server did not note is not noted here either", async () => {
    const { client, store, answers } = setUp({ [BEN]: [ROOM] });
    answers["create"] = "!new:one";
    answers["setAccountData"] = new NetworkError("gone");
    await expect(openDirect(client, ANN)).rejects.toThrow(NetworkError);
    expect(store.accountData.get("m.direct")).toEqual({ [BEN]: [ROOM] });
  });
});

describe("an invitation", () => {
  function invite(isDirect: boolean) {
    const all = setUp();
    const events = [
      {
        type: "m.room.member",
        state_key: ME,
        sender: ANN,
        content: { membership: "invite", ...(isDirect ? { is_direct: true } : {}) },
      },
    ];
    all.store.apply(
      { next_batch: "s2", rooms: { invite: { "!i:two": { invite_state: { events } } } } },
      0,
    );
    return { ...all, invited: all.store.room("!i:two")! };
  }

  test("is accepted by way of the server of whoever invited", async () => {
    const { client, invited, done } = invite(false);
    await acceptInvite(client, invited);
    expect(done).toEqual([["join", "!i:two", ["two"]]]);
  });

  test("to a direct chat is noted as that, once it is accepted", async () => {
    const { client, invited, done } = invite(true);
    await acceptInvite(client, invited);
    expect(done).toEqual([
      ["join", "!i:two", ["two"]],
      ["setAccountData", "m.direct", { [ANN]: ["!i:two"] }],
    ]);
  });

  test("that cannot be accepted is noted as nothing", async () => {
    const { client, invited, done, answers } = invite(true);
    answers["join"] = new NetworkError("gone");
    await expect(acceptInvite(client, invited)).rejects.toThrow(NetworkError);
    expect(done).toHaveLength(1);
  });
});

test("a link names the three servers with the most members", () => {
  const { room, make } = setUp();
  for (const userId of ["@a:x", "@b:x", "@c:x", "@d:y", "@e:y", BEN, "@g:z", "@h:z"]) {
    room.setState({ ...make.member(userId), state_key: userId });
  }
  room.setState({ ...make.member("@left:y", "leave"), state_key: "@left:y" });
  expect(viaServers(room)).toEqual(["x", "y", "z"]);
});
