import { clause, clientApi, theSubject } from "../../harness/clause.ts";
import { createClient } from "../../harness/client.ts";
import { eventually, mustBe401, mustEqual } from "../../harness/must.ts";
import { roomOfTwo } from "../../harness/two-users.ts";
import type { User } from "../../harness/users.ts";

const LISTING = clientApi("listing-notifications");

type Query = Readonly<Record<string, string | number>>;

async function listed(user: User, query: Query = {}) {
  const { notifications, next_token } = await user.call("getNotifications", { query });
  const ids = notifications.map(({ event }) => event.event_id);
  return { notifications, ids, next_token };
}

/** The list may follow its events after a moment. */
async function mustList(user: User, expected: readonly string[], query: Query = {}) {
  await eventually(
    `${expected.length} notifications`,
    async () => (await listed(user, query)).ids.length >= expected.length,
    10_000,
  );
  const found = await listed(user, query);
  mustEqual(found.ids, expected, "the notifications");
  return found;
}

clause(
  LISTING,
  "what others say is listed, the newest first, and not what is one's own",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const first = await alice.send(roomId, "one");
    await bob.send(roomId, "mine");
    const second = await alice.send(roomId, "two");
    const { notifications } = await mustList(bob, [second, first]);
    mustEqual(
      notifications.map(({ room_id, actions }) => [room_id, actions[0]]),
      [
        [roomId, "notify"],
        [roomId, "notify"],
      ],
      "rooms and actions",
    );
  },
);

clause(LISTING, "a receipt makes what it covers read", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  const first = await alice.send(roomId, "one");
  const second = await alice.send(roomId, "two");
  await mustList(bob, [second, first]);
  await bob.call("postReceipt", {
    path: { roomId, receiptType: "m.read", eventId: first },
    body: {},
  });
  await eventually(
    "the first is read",
    async () => {
      const { notifications } = await listed(bob);
      return notifications[1]?.read === true && notifications[0]?.read === false;
    },
    10_000,
  );
});

clause(LISTING, "highlights can be listed alone", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  await alice.send(roomId, "one");
  const mention = await alice.send(roomId, {
    ...{ msgtype: "m.text", body: "you", "m.mentions": { user_ids: [bob.userId] } },
  });
  await mustList(bob, [mention], { only: "highlight" });
});

clause(LISTING, "pages follow one another without a gap", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  const sent: string[] = [];
  for (let n = 0; n < 5; n += 1) sent.unshift(await alice.send(roomId, `message ${n}`));
  await mustList(bob, sent);
  const found: string[] = [];
  let from: string | undefined;
  do {
    const page = await listed(bob, { limit: 2, ...(from !== undefined && { from }) });
    found.push(...page.ids);
    from = page.next_token;
  } while (from !== undefined && found.length <= sent.length);
  mustEqual(found, sent, "all pages together");
});

clause(LISTING, "nobody without an access token has notifications", async () => {
  await mustBe401(createClient(theSubject()).request("getNotifications"), "M_MISSING_TOKEN");
});
