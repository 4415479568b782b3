import { asText } from "../../harness/json.ts";
import { eventually, mustEqual } from "../../harness/must.ts";
import {
  oneEvent,
  arrives,
  memberBecomes,
  sameHistory,
  sameState,
  wholeHistory,
} from "../compare.ts";
import type { User } from "../../harness/users.ts";
import type { Lane } from "../lane.ts";
import type { Row } from "../row.ts";

const SAID_BEFORE = 12;

/** A room comes to be, the other server joins it, and both talk. */
export const conversation: readonly Row[] = [
  {
    name: "join",
    async run(lane) {
      const { alice, bob, near } = lane;
      lane.roomId = await alice.createRoom({
        preset: "public_chat",
        room_version: lane.version,
        name: `Version ${lane.version}`,
        topic: "What both servers make of it",
      });
      for (let said = 0; said < SAID_BEFORE; said++) {
        await alice.send(lane.roomId, `before the join, ${said}`);
      }
      await bob.join(lane.roomId, [near.subject.serverName]);
      await memberBecomes(alice, lane.roomId, bob, "join");
      await sameState([alice, bob], lane.roomId);
    },
  },
  {
    name: "messages both ways",
    async run({ alice, bob, roomId }) {
      for (let turn = 0; turn < 3; turn++) {
        await arrives(bob, alice, roomId, await alice.send(roomId, `alice says ${turn}`));
        await arrives(alice, bob, roomId, await bob.send(roomId, `bob says ${turn}`));
      }
    },
  },
  {
    name: "history from before the join",
    async run({ alice, bob, roomId }) {
      await sameHistory([alice, bob], roomId);
      const said = (await wholeHistory(bob, roomId)).filter((event) =>
        asText(event.content["body"]).startsWith("before the join"),
      );
      mustEqual(
        said.map((event) => event.content["body"]),
        Array.from({ length: SAID_BEFORE }, (_, index) => `before the join, ${index}`).reverse(),
        "what was said before, the newest first",
      );
    },
  },
  { name: "history forwards", run: forwards },
  {
    name: "a member of the same server joins",
    async run({ alice, carol, dave, roomId, near }) {
      await carol.join(roomId, [near.subject.serverName]);
      await dave.join(roomId);
      await memberBecomes(alice, roomId, carol, "join");
      await memberBecomes(carol, roomId, dave, "join");
      await sameState([alice, carol], roomId);
    },
  },
  {
    name: "large messages",
    async run({ alice, bob, roomId }) {
      const body = "ä".repeat(30_000);
      await arrives(bob, alice, roomId, await alice.send(roomId, body));
      await arrives(alice, bob, roomId, await bob.send(roomId, body));
    },
  },
  {
    name: "redaction",
    async run({ alice, bob, roomId }) {
      const [own, hers, his] = [
        await bob.send(roomId, "bob regrets this"),
        await alice.send(roomId, "alice regrets this"),
        await bob.send(roomId, "alice redacts this"),
      ];
      await arrives(alice, bob, roomId, his);
      await arrives(bob, alice, roomId, hers);
      const redact = (user: User, eventId: string) =>
        user.call("redactEvent", {
          path: { roomId, eventId, txnId: `redact-${eventId}` },
          body: { reason: "no" },
        });
      await Promise.all([redact(bob, own), redact(alice, hers), redact(alice, his)]);
      for (const eventId of [own, hers, his]) {
        for (const user of [alice, bob]) {
          await eventually(`${eventId} is empty at ${user.userId}`, async () => {
            const event = await oneEvent(user, roomId, eventId);
            return Object.keys(event.content).length === 0;
          });
        }
      }
      await sameHistory([alice, bob], roomId);
    },
  },
];

/**
 * Pages back to the beginning, and from the last token forwards again. (Without `from`, Synapse begins forwards
 * with what came after its own join.)
 */
async function forwards({ alice, bob, roomId }: Lane): Promise<void> {
  const read = async (user: User) => {
    let from: string | undefined;
    let events = 0;
    for (let page = 0; page < PAGES; page++) {
      const query = { dir: "b" as const, limit: PAGE, from };
      const body = await user.call("getRoomEvents", { path: { roomId }, query });
      events += body.chunk.length;
      if (body.chunk.some((event) => event.type === "m.room.create")) {
        events -= body.chunk.length;
        break;
      }
      from = body.end;
    }
    const ids: string[] = [];
    for (let page = 0; page < PAGES; page++) {
      const query = { dir: "f" as const, limit: PAGE, from };
      const body = await user.call("getRoomEvents", { path: { roomId }, query });
      ids.push(...body.chunk.map((event) => (event as unknown as { event_id: string }).event_id));
      if (body.end === undefined || body.end === null || body.chunk.length === 0) break;
      from = body.end;
    }
    mustEqual(ids.length, events, `what ${user.userId} reads forwards, counted backwards`);
    return ids;
  };
  const [hers, his] = [await read(alice), await read(bob)];
  const [shorter, longer] = [hers, his].toSorted((one, two) => one.length - two.length);
  // Pages may break at other places, so that one begins earlier.
  mustEqual(longer!.slice(-shorter!.length), shorter, "events read forwards");
}

const PAGE = 7;
const PAGES = 20;
