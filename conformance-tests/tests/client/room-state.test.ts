import { clause, clientApi } from "../../harness/clause.ts";
import { must, mustBe403, mustBe404, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { syncToken, timelineOf, untilEvent } from "../../harness/sync.ts";
import type { User } from "../../harness/users.ts";
import { roomOfTwo } from "../../harness/two-users.ts";

clause(
  clientApi("put_matrixclientv3roomsroomidstateeventtypestatekey"),
  "state can be set and read, with a key and without",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    await alice.setState(roomId, "m.room.topic", { topic: "Weaving" });
    await alice.setState(roomId, "org.example.seat", { row: 3 }, "a/b c");
    mustEqual((await bob.getState(roomId, "m.room.topic"))["topic"], "Weaving", "topic");
    mustEqual(
      await bob.getState(roomId, "org.example.seat", "a/b c"),
      { row: 3 },
      "state with a key",
    );
    await mustBe404(
      bob.request("getRoomStateWithKey", {
        path: { roomId, eventType: "org.example.seat", stateKey: "" },
      }),
    );
    const full = await bob.call("getRoomStateWithKey", {
      path: { roomId, eventType: "m.room.topic", stateKey: "" },
      query: { format: "event" },
    });
    mustMatch(full, { type: "m.room.topic", sender: alice.userId, state_key: "" }, "format=event");
  },
);

clause(
  clientApi("put_matrixclientv3roomsroomidstateeventtypestatekey"),
  "state that replaces other state shows what it replaced",
  async () => {
    const { alice, roomId } = await roomOfTwo();
    const first = await alice.setState(roomId, "m.room.name", { name: "before" });
    const since = await syncToken(alice);
    const second = await alice.setState(roomId, "m.room.name", { name: "after" });
    const body = await untilEvent(alice, roomId, second, { since });
    const event = timelineOf(body, roomId).find(({ event_id }) => event_id === second);
    mustMatch(event?.unsigned, { prev_content: { name: "before" } }, "unsigned");
    must(first !== second, "the same event");
  },
);

clause(clientApi("permissions"), "state needs power, and one's own user id as key", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  const set = (user: User, eventType: string, stateKey: string) =>
    user.request("setRoomStateWithKey", {
      path: { roomId, eventType, stateKey },
      body: { any: "thing" },
    });
  await mustBe403(set(bob, "org.example.board", ""));
  await mustBe403(set(bob, "org.example.mine", bob.userId));
  await alice.setState(roomId, "m.room.power_levels", {
    ...(await alice.getState(roomId, "m.room.power_levels")),
    events: { "org.example.mine": 0 },
  });
  mustEqual((await set(bob, "org.example.mine", bob.userId)).status, 200, "with one's own id");
  await mustBe403(set(bob, "org.example.mine", alice.userId));
  await mustBe403(set(alice, "org.example.mine", bob.userId));
});

clause(
  clientApi("mroompower_levels"),
  "nobody gives more power than they have, nor takes it from their equals",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo({ room_version: "11" });
    const levels = await alice.getState(roomId, "m.room.power_levels");
    const users = { [alice.userId]: 100, [bob.userId]: 50 };
    const put = (user: User, content: object) =>
      user.request("setRoomStateWithKey", {
        path: { roomId, eventType: "m.room.power_levels", stateKey: "" },
        body: { ...levels, events: { "m.room.power_levels": 50 }, ...content },
      });
    mustEqual((await put(alice, { users })).status, 200, "alice makes bob a moderator");
    await mustBe403(put(bob, { users: { ...users, [bob.userId]: 51 } }));
    await mustBe403(put(bob, { users: { ...users, [alice.userId]: 49 } }));
    await mustBe403(put(bob, { users, ban: 60 }));
    mustEqual((await put(bob, { users, ban: 49 })).status, 200, "a change within bob's level");
    mustEqual(
      (await put(bob, { users: { ...users, [bob.userId]: 40 }, ban: 49 })).status,
      200,
      "bob steps down",
    );
  },
);

clause(clientApi("mroompower_levels"), "power levels of the wrong shape are refused", async () => {
  const { alice, roomId } = await roomOfTwo({ room_version: "10" });
  const levels = await alice.getState(roomId, "m.room.power_levels");
  for (const wrong of [
    { ban: "50" },
    { users: { nonsense: 5 } },
    { events: { x: 1.5 } },
    { users: [] },
  ]) {
    await mustFail(
      alice.request("setRoomStateWithKey", {
        path: { roomId, eventType: "m.room.power_levels", stateKey: "" },
        body: { ...levels, ...wrong },
      }),
      [400, 403],
    );
  }
});
