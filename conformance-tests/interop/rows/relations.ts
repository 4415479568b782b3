import { mustEqual } from "../../harness/must.ts";
import type { JsonObject } from "../../harness/json.ts";
import type { User } from "../../harness/users.ts";
import { agree, arrives, oneEvent } from "../compare.ts";
import type { Row } from "../row.ts";

const relatesTo = (rel_type: string, event_id: string, more: JsonObject = {}): JsonObject => ({
  "m.relates_to": { rel_type, event_id, ...more },
});
const message = (body: string): JsonObject => ({ msgtype: "m.text", body });

/** Events that speak of others, and what each side makes of them. */
export const relations: readonly Row[] = [
  {
    name: "edits",
    async run({ alice, bob, roomId }) {
      const first = await alice.send(roomId, "a tyop");
      const edit = { ...message("* a typo"), "m.new_content": message("a typo") };
      const second = await alice.send(roomId, { ...edit, ...relatesTo("m.replace", first) });
      await arrives(bob, alice, roomId, second);
      await agree("the bundled edit", async () => {
        const [hers, his] = [
          await bundled(alice, roomId, first),
          await bundled(bob, roomId, first),
        ];
        const ids = [hers, his].map((all) => (all["m.replace"] as { event_id?: string })?.event_id);
        return ids.every((id) => id === second) ? [] : [`the edits are ${ids.join(" and ")}`];
      });
      await sameRelations([alice, bob], roomId, first);
    },
  },
  {
    name: "reactions",
    async run({ alice, bob, dave, roomId }) {
      const about = await bob.send(roomId, "what do you think?");
      await arrives(alice, bob, roomId, about);
      const reaction = (key: string) => relatesTo("m.annotation", about, { key });
      await arrives(bob, alice, roomId, await alice.send(roomId, reaction("👍"), "m.reaction"));
      await arrives(bob, dave, roomId, await dave.send(roomId, reaction("👍"), "m.reaction"));
      await arrives(alice, bob, roomId, await bob.send(roomId, reaction("🎉"), "m.reaction"));
      await sameRelations([alice, bob], roomId, about);
    },
  },
  {
    name: "threads",
    async run({ alice, bob, roomId }) {
      const root = await alice.send(roomId, "a thread");
      await arrives(bob, alice, roomId, root);
      let last = root;
      for (const [index, user] of [bob, alice, bob].entries()) {
        const other = user === bob ? alice : bob;
        last = await user.send(roomId, { ...message(`${index}`), ...relatesTo("m.thread", root) });
        await arrives(other, user, roomId, last);
      }
      for (const user of [alice, bob]) {
        const thread = (await bundled(user, roomId, root))["m.thread"] as {
          count: number;
          latest_event: { event_id: string };
        };
        mustEqual([thread.count, thread.latest_event.event_id], [3, last], "the bundled thread");
      }
      await sameRelations([alice, bob], roomId, root);
    },
  },
];

async function bundled(user: User, roomId: string, eventId: string): Promise<JsonObject> {
  const event = await oneEvent(user, roomId, eventId);
  return (event.unsigned?.["m.relations"] ?? {}) as JsonObject;
}

/** Both list the same events that relate to one, in the same order. */
async function sameRelations(users: readonly [User, User], roomId: string, eventId: string) {
  await agree("relations", async () => {
    const [one, two] = await Promise.all(
      users.map(async (user) => {
        const path = { roomId, eventId };
        const body = await user.call("getRelatingEvents", { path, query: { limit: 50 } });
        return body.chunk.map((event) => (event as unknown as { event_id: string }).event_id);
      }),
    );
    const same = JSON.stringify(one) === JSON.stringify(two) && one!.length > 0;
    return same ? [] : [`the lists are ${JSON.stringify(one)} and ${JSON.stringify(two)}`];
  });
}
