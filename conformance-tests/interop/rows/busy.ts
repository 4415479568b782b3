import { agree, memberBecomes, sameState, wholeHistory } from "../compare.ts";
import type { Lane } from "../lane.ts";
import type { Row } from "../row.ts";
import type { User } from "../../harness/users.ts";

/** Columns whose room is busy; in the others as many messages would say nothing more and take minutes. */
const BUSY = new Set(["1 weft", "6 synapse", "12 weft"]);
const MANY = 100;
const FEW = 10;

/** Both talk at once, as fast as they can; nothing is lost and nothing is twice. */
export const busy: Row = {
  name: "talking at once, without loss",
  patienceMs: 180_000,
  async run({ alice, bob, near, version, creator }: Lane) {
    const count = BUSY.has(`${version} ${creator}`) ? MANY : FEW;
    const roomId = await alice.createRoom({ preset: "public_chat", room_version: version });
    await bob.join(roomId, [near.subject.serverName]);
    await memberBecomes(alice, roomId, bob, "join");
    const talk = async (user: User) => {
      const ids: string[] = [];
      for (let said = 0; said < count; said++) ids.push(await user.send(roomId, `${said}`));
      return ids;
    };
    const said = (await Promise.all([talk(alice), talk(bob)])).flat().toSorted();
    for (const user of [alice, bob]) {
      await agree("all that was said, once", async () => {
        const events = await wholeHistory(user, roomId);
        const ids = events
          .filter((event) => event.type === "m.room.message")
          .map((event) => event.event_id)
          .toSorted();
        const missing = said.filter((id) => !ids.includes(id));
        if (missing.length > 0) return missing.map((id) => `${user.userId} lacks ${id}`);
        return ids.length === said.length ? [] : [`${user.userId} reads ${ids.length} messages`];
      });
    }
    await sameState([alice, bob], roomId);
  },
};
