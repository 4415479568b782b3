import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { mustEqual } from "../../harness/must.ts";
import { syncToken, timelineOf } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import { roomOfTwo } from "../../harness/two-users.ts";

clause(
  clientApi("joining-rooms"),
  "two who join and leave at the same time all end where they wanted",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const roomId = await alice.createRoom({ preset: "public_chat" });
    const users = await Promise.all(
      Array.from({ length: 6 }, () => registerUser(theSubject(), "many")),
    );
    await Promise.all(users.map((user) => user.join(roomId)));
    await Promise.all(users.slice(0, 3).map((user) => user.leave(roomId)));
    const { joined } = await alice.call("getJoinedMembersByRoom", { path: { roomId } });
    const expected = [alice, ...users.slice(3)].map((user) => user.userId);
    mustEqual(Object.keys(joined ?? {}).toSorted(), expected.toSorted(), "joined members");
  },
);

clause(
  clientApi("syncing"),
  "two sessions that sync in parallel with senders miss nothing and see nothing twice",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    let since = await syncToken(bob);
    const sending = (async () => {
      const ids: string[] = [];
      for (let i = 0; i < 10; i++) {
        const sent = [
          alice.send(roomId, `a${i}`),
          bob.send(roomId, `b${i}`),
          alice.send(roomId, `c${i}`),
        ];
        ids.push(...(await Promise.all(sent)));
      }
      return ids;
    })();
    const query = { filter: JSON.stringify({ room: { timeline: { limit: 100 } } }), timeout: 500 };
    const seen: string[] = [];
    let isSent = false;
    void sending.finally(() => (isSent = true)).catch(() => undefined);
    // One more look when all are sent.
    for (let isLast = false; seen.length < 30 && !isLast;) {
      isLast = isSent;
      const body = await bob.call("sync", { query: { ...query, since } });
      seen.push(...timelineOf(body, roomId).map((event) => event.event_id));
      since = body.next_batch;
    }
    mustEqual(seen.toSorted(), (await sending).toSorted(), "events");
  },
);
