import { mustEqual } from "../../harness/must.ts";
import { agree, arrives, memberBecomes, sameState, wholeHistory } from "../compare.ts";
import type { Lane } from "../lane.ts";
import type { ApartRow } from "../row.ts";
import type { SideName } from "../servers.ts";
import { woken } from "./woken.ts";

/** What both do when neither hears of the other. The room is the one of most rows; bob has level 50 there. */
export const cutRows: readonly ApartRow[] = [
  {
    name: "state fork under a cut link",
    async apart({ alice, bob, carol, dave, roomId, notes }) {
      await Promise.all([
        (async () => {
          await alice.setState(roomId, "m.room.topic", { topic: "alice's branch" });
          await alice.call("ban", { path: { roomId }, body: { user_id: carol.userId } });
          notes.set("hers", await dave.send(roomId, "dave on alice's branch"));
          await alice.setState(roomId, "org.example.fork", { branch: "alice" }, "one");
        })(),
        (async () => {
          await bob.setState(roomId, "m.room.topic", { topic: "bob's branch" });
          await carol.send(roomId, "carol does not know of her ban");
          await bob.setState(roomId, "m.room.name", { name: "bob's name" });
          await bob.setState(roomId, "org.example.fork", { branch: "bob" }, "one");
          await bob.setState(roomId, "org.example.fork", { branch: "bob" }, "two");
          notes.set("his", await bob.send(roomId, "bob on his branch"));
        })(),
      ]);
    },
    after: healed,
  },
  {
    name: "levels taken under a cut link",
    async apart({ alice, bob, roomId }) {
      const levels = await alice.getState(roomId, "m.room.power_levels");
      const users = { ...(levels["users"] as Record<string, number>), [bob.userId]: 0 };
      await Promise.all([
        alice.setState(roomId, "m.room.power_levels", { ...levels, users }),
        bob.setState(roomId, "m.room.topic", { topic: "bob had the level" }),
      ]);
    },
    async after(lane) {
      await woken(lane);
      await sameState([lane.alice, lane.bob], lane.roomId);
      const levels = await lane.bob.getState(lane.roomId, "m.room.power_levels");
      const users = levels["users"] as Record<string, number>;
      mustEqual(users[lane.bob.userId], 0, "bob's level");
    },
  },
  catchUp("weft"),
  catchUp("synapse"),
];

const MISSED = 5;

/** What one says and does while the other is not running reaches it when it is back. */
function catchUp(down: SideName): ApartRow {
  const up = ({ creator, alice, bob }: Lane) =>
    creator === down ? { here: bob, gone: alice } : { here: alice, gone: bob };
  return {
    name: `catching up when ${down} was down`,
    down,
    async apart(lane) {
      const { here } = up(lane);
      const ids: string[] = [];
      for (let said = 0; said < MISSED; said++) {
        ids.push(await here.send(lane.roomId, `while ${down} is away, ${said}`));
      }
      await here.call("setProfileField", {
        path: { userId: here.userId, keyName: "displayname" },
        body: { displayname: `Without ${down}` },
      });
      lane.notes.set(down, ids.join(" "));
    },
    async after(lane) {
      const { here, gone } = up(lane);
      await woken(lane);
      for (const id of lane.notes.get(down)!.split(" ")) await arrives(gone, here, lane.roomId, id);
      await sameState([lane.alice, lane.bob], lane.roomId);
    },
  };
}

async function healed(lane: Lane): Promise<void> {
  const { alice, bob, carol, roomId, notes } = lane;
  await woken(lane);
  await memberBecomes(bob, roomId, carol, "ban");
  await sameState([alice, bob], roomId);
  for (const user of [alice, bob]) {
    await agree("what both said apart", async () => {
      const ids = (await wholeHistory(user, roomId)).map((event) => event.event_id);
      const missing = [notes.get("hers")!, notes.get("his")!].filter((id) => !ids.includes(id));
      return missing.map((id) => `${user.userId} lacks ${id}`);
    });
  }
}
