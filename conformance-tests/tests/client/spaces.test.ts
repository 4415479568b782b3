import { clause, clientApi, theSubject } from "../../harness/clause.ts";
import { createClient } from "../../harness/client.ts";
import { must, mustBe403, mustBe404, mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";

type Member = Awaited<ReturnType<typeof registerUser>>;

const space = (by: Member, name: string, more: object = {}) =>
  by.createRoom({
    ...{ name, preset: "public_chat", creation_content: { type: "m.space" } },
    ...more,
  });
const room = (by: Member, name: string, more: object = {}) =>
  by.createRoom({ name, preset: "public_chat", ...more });

async function addChild(by: Member, roomId: string, stateKey: string, content: object = {}) {
  await by.call("setRoomStateWithKey", {
    path: { roomId, eventType: "m.space.child", stateKey },
    body: { via: [theSubject().serverName], ...content },
  });
}

/** Names of a walk's rooms, some a page. */
async function walk(by: Member, roomId: string, limit: number, more: object = {}) {
  const names: (string | undefined)[] = [];
  let from: string | undefined;
  for (let pages = 0; pages < 50; pages += 1) {
    const query = { ...more, limit, ...(from !== undefined && { from }) };
    const page = await by.call("getSpaceHierarchy", { path: { roomId }, query });
    must(page.rooms.length <= limit, `a page has ${page.rooms.length} rooms`);
    names.push(...page.rooms.map(({ name }) => name));
    from = page.next_batch;
    if (from === undefined) return names;
  }
  throw new Error("the walk never ended");
}

clause(
  clientApi("ordering-of-children-within-a-space"),
  "a space is listed in the order of siblings, each space with its rooms, on pages of any length",
  async () => {
    const alice = await registerUser(theSubject());
    const [root, inner] = [await space(alice, "root"), await space(alice, "inner")];
    await addChild(alice, root, await room(alice, "last"));
    await addChild(alice, root, await room(alice, "second"), { order: "b" });
    await addChild(alice, root, inner, { order: " ", suggested: true });
    await addChild(alice, inner, await room(alice, "within"), { suggested: true });
    await addChild(alice, inner, root);
    const all = ["root", "inner", "within", "second", "last"];
    for (const limit of [1, 2, 20]) mustEqual(await walk(alice, root, limit), all, "the walk");
    const suggested = await walk(alice, root, 20, { suggested_only: true });
    mustEqual(suggested, ["root", "inner", "within"], "suggested rooms");
    const flat = await walk(alice, root, 20, { max_depth: 1 });
    mustEqual(flat, ["root", "inner", "second", "last"], "rooms of depth one");
  },
);

clause(
  clientApi("get_matrixclientv1roomsroomidhierarchy"),
  "rooms that one may not see are left out, and a space that one may not see is forbidden",
  async () => {
    const [alice, bob] = [await registerUser(theSubject()), await registerUser(theSubject())];
    const root = await space(alice, "root");
    const hidden = await room(alice, "hidden", { preset: "private_chat" });
    await addChild(alice, root, hidden, { order: "a" });
    await addChild(alice, root, await room(alice, "open"), { order: "b" });
    mustEqual(await walk(bob, root, 20), ["root", "open"], "what a stranger sees");
    await alice.call("inviteUser", { path: { roomId: hidden }, body: { user_id: bob.userId } });
    mustEqual(await walk(bob, root, 20), ["root", "hidden", "open"], "what the invited sees");
    const closed = await space(alice, "closed", { preset: "private_chat" });
    await mustBe403(bob.request("getSpaceHierarchy", { path: { roomId: closed } }));
  },
);

clause(
  clientApi("get_matrixclientv1roomsroomidhierarchy"),
  "a token is refused with other parameters than it came with",
  async () => {
    const alice = await registerUser(theSubject());
    const root = await space(alice, "root");
    await addChild(alice, root, await room(alice, "open"));
    const path = { roomId: root };
    const page = await alice.call("getSpaceHierarchy", { path, query: { limit: 1 } });
    const from = page.next_batch;
    must(from !== undefined, "there is a second page");
    const other = { path, query: { limit: 1, max_depth: 3, from } };
    await mustFail(alice.request("getSpaceHierarchy", other), 400, "M_INVALID_PARAM");
  },
);

clause(
  clientApi("get_matrixclientv1room_summaryroomidoralias"),
  "a summary is given to whoever may enter, and to nobody else",
  async () => {
    const [alice, bob] = [await registerUser(theSubject()), await registerUser(theSubject())];
    const open = await room(alice, "open", { topic: "for all" });
    const seen = await bob.call("getRoomSummary", { path: { roomIdOrAlias: open } });
    mustMatch(seen, { room_id: open, name: "open", topic: "for all", join_rule: "public" }, "it");
    const own = await alice.call("getRoomSummary", { path: { roomIdOrAlias: open } });
    mustMatch(own, { membership: "join", num_joined_members: 1 }, "one's own");
    const hidden = await room(alice, "hidden", { preset: "private_chat" });
    await mustBe404(bob.request("getRoomSummary", { path: { roomIdOrAlias: hidden } }));
    const anybody = createClient(theSubject());
    await mustBe404(anybody.request("getRoomSummary", { path: { roomIdOrAlias: hidden } }));
  },
);
