import { isDeepStrictEqual } from "node:util";
import { clause, clientApi } from "../../harness/clause.ts";
import { mustBe403, mustFail, mustMatch } from "../../harness/must.ts";
import type { ClientEvent, SyncBody } from "../../harness/shapes.ts";
import { ephemeralOf, syncToken, syncUntil } from "../../harness/sync.ts";
import { roomOfTwo } from "../../harness/two-users.ts";

clause(
  clientApi("typing-notifications"),
  "typing is told to the room, and that it stopped",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const since = await syncToken(alice);
    const path = { roomId, userId: bob.userId };
    const typing = (seen: SyncBody) =>
      ephemeralOf(seen, roomId).findLast((event) => event.type === "m.typing")?.content["user_ids"];
    await bob.call("setTyping", { path, body: { typing: true, timeout: 20_000 } });
    const body = await syncUntil(
      alice,
      "bob typing",
      (seen) => isDeepStrictEqual(typing(seen), [bob.userId]),
      { since },
    );
    await bob.call("setTyping", { path, body: { typing: false } });
    await syncUntil(alice, "nobody typing", (seen) => JSON.stringify(typing(seen)) === "[]", {
      since: body.next_batch,
    });
    await mustFail(
      alice.request("setTyping", { path, body: { typing: true, timeout: 1000 } }),
      [400, 403],
      "M_FORBIDDEN",
    );
  },
);

clause(
  clientApi("typing-notifications"),
  "typing ends by itself when its time is over",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const since = await syncToken(alice);
    const path = { roomId, userId: bob.userId };
    await bob.call("setTyping", { path, body: { typing: true, timeout: 4_000 } });
    const last = (seen: SyncBody) =>
      JSON.stringify(
        ephemeralOf(seen, roomId).findLast((event) => event.type === "m.typing")?.content,
      );
    const body = await syncUntil(alice, "bob typing", (seen) => last(seen)?.includes(bob.userId), {
      since,
    });
    await syncUntil(alice, "nobody typing", (seen) => last(seen) === '{"user_ids":[]}', {
      since: body.next_batch,
    });
  },
);

clause(clientApi("presence"), "presence is told to those who share a room", async () => {
  const { alice, bob } = await roomOfTwo();
  const since = await syncToken(alice);
  await bob.call("setPresence", {
    path: { userId: bob.userId },
    body: { presence: "unavailable", status_msg: "at the loom" },
  });
  await syncUntil(
    alice,
    "bob's presence",
    (seen) =>
      ((seen.presence?.events ?? []) as unknown as ClientEvent[]).some(
        (event) => event.sender === bob.userId && event.content["status_msg"] === "at the loom",
      ),
    { since },
  );
  mustMatch(
    await alice.call("getPresence", { path: { userId: bob.userId } }),
    { presence: "unavailable", status_msg: "at the loom" },
    "status",
  );
  const body = { presence: "online" } as const;
  await mustBe403(alice.request("setPresence", { path: { userId: bob.userId }, body }));
});
