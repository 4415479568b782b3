import { isDeepStrictEqual } from "node:util";
import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { eventually, must, mustBe404, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { joinedRoom, syncOnce, syncToken, syncUntil, accountData } from "../../harness/sync.ts";
import { registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";
import { roomOfTwo } from "../../harness/two-users.ts";

async function counts(user: User, roomId: string) {
  const room = joinedRoom(await syncOnce(user), roomId);
  const { notification_count = 0, highlight_count = 0 } = room?.unread_notifications ?? {};
  return [notification_count, highlight_count];
}

/** Counts may follow their events after a moment. */
async function mustCount(user: User, roomId: string, expected: number[], what: string) {
  let last: number[] = [];
  const right = async () => isDeepStrictEqual((last = await counts(user, roomId)), expected);
  await eventually(what, right, 5000).catch(() => mustEqual(last, expected, what));
}

clause(
  clientApi("receiving-notifications"),
  "unread messages count, mentions are highlights, a receipt clears both",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    await bob.call("postReceipt", {
      path: { roomId, receiptType: "m.read", eventId: await alice.send(roomId, "start") },
      body: {},
    });
    await mustCount(bob, roomId, [0, 0], "counts after reading");
    await alice.send(roomId, "one");
    await alice.send(roomId, "two");
    await alice.send(roomId, { msgtype: "m.notice", body: "machines do not count" });
    await mustCount(bob, roomId, [2, 0], "counts after two messages and a notice");
    const last = await alice.send(roomId, {
      msgtype: "m.text",
      body: "you there",
      "m.mentions": { user_ids: [bob.userId] },
    });
    await mustCount(bob, roomId, [3, 1], "counts after a mention");
    await mustCount(alice, roomId, [0, 0], "the sender's own counts");
    await bob.call("postReceipt", {
      path: { roomId, receiptType: "m.read", eventId: last },
      body: {},
    });
    await mustCount(bob, roomId, [0, 0], "counts after the receipt");
  },
);

clause(
  clientApi("predefined-rules"),
  "only who may notify a room highlights it with @room",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const room = { msgtype: "m.text", body: "@room", "m.mentions": { room: true } };
    await bob.send(roomId, room);
    await mustCount(alice, roomId, [1, 0], "counts after @room by a member without power");
    await alice.send(roomId, room);
    await mustCount(bob, roomId, [1, 1], "counts after @room by the room's admin");
  },
);

clause(
  clientApi("push-rules-api"),
  "rules can be read, added, switched off and deleted",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const { global } = await bob.call("getPushRules");
    const ids = (global.override ?? []).map((rule) => rule.rule_id);
    for (const id of [".m.rule.master", ".m.rule.suppress_notices", ".m.rule.is_user_mention"]) {
      must(ids.includes(id), `the default rules lack ${id}`);
    }
    const path = { kind: "room", ruleId: roomId } as const;
    await bob.call("setPushRule", { path, body: { actions: [] } });
    const muted = await alice.send(roomId, "in a muted room");
    await mustCount(bob, roomId, [0, 0], "counts in a muted room");
    mustMatch(
      await bob.call("getPushRule", { path }),
      { rule_id: roomId, default: false, enabled: true, actions: [] },
      "rule",
    );
    await bob.call("postReceipt", {
      path: { roomId, receiptType: "m.read", eventId: muted },
      body: {},
    });
    await bob.call("setPushRuleEnabled", { path, body: { enabled: false } });
    mustEqual(await bob.call("isPushRuleEnabled", { path }), { enabled: false }, "enabled");
    await alice.send(roomId, "no longer muted");
    await mustCount(bob, roomId, [1, 0], "counts after the rule is off");
    await bob.call("setPushRuleActions", { path, body: { actions: ["notify"] } });
    mustEqual(await bob.call("getPushRuleActions", { path }), { actions: ["notify"] }, "actions");
    await bob.call("deletePushRule", { path });
    await mustBe404(bob.request("getPushRule", { path }));
  },
);

clause(clientApi("push-rules-events"), "changed push rules are told as account data", async () => {
  const alice = await registerUser(theSubject());
  const since = await syncToken(alice);
  await alice.call("setPushRule", {
    path: { kind: "content", ruleId: "loom" },
    body: { pattern: "loom", actions: ["notify", { set_tweak: "highlight" }] },
  });
  await syncUntil(
    alice,
    "the new rules",
    (seen) => JSON.stringify(accountData(seen, "m.push_rules")?.content ?? {}).includes('"loom"'),
    { since },
  );
  await mustFail(
    alice.request("setPushRule", {
      path: { kind: "content", ruleId: "x" },
      body: { pattern: "x", actions: ["dance"] },
    }),
    400,
  );
  await mustFail(
    alice.request("setPushRule", {
      path: { kind: "override", ruleId: ".mine" },
      body: { actions: [] },
    }),
    400,
  );
});
