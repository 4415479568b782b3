import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { mustEqual, mustFail, mustMatch } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";

async function pair() {
  const alice = await registerUser(theSubject(), "alice");
  const bob = await registerUser(theSubject(), "bob");
  const roomId = await alice.createRoom({ preset: "public_chat" });
  await bob.join(roomId);
  return { alice, bob, roomId };
}

const related = (body: string, rel: string, to: string, more: object = {}) => ({
  ...{ msgtype: "m.text", body, ...more },
  "m.relates_to": { rel_type: rel, event_id: to },
});

const edited = (body: string, to: string) =>
  related(`* ${body}`, "m.replace", to, { "m.new_content": { msgtype: "m.text", body } });

interface Bundle {
  "m.replace"?: { event_id: string };
  "m.thread"?: { latest_event: { event_id: string; unsigned?: object }; count: number };
}

async function bundleOf(user: User, roomId: string, eventId: string): Promise<Bundle> {
  const event = (await user.call("getOneRoomEvent", { path: { roomId, eventId } })) as unknown as {
    unsigned?: { "m.relations"?: Bundle };
  };
  return event.unsigned?.["m.relations"] ?? {};
}

clause(
  clientApi("validity-of-replacement-events"),
  "replacements that are not valid hide none that is",
  async () => {
    const { alice, bob, roomId } = await pair();
    const root = await alice.send(roomId, "original");
    const good = await alice.send(roomId, edited("good", root));
    await alice.send(roomId, edited("an edit of an edit", good));
    await alice.send(roomId, related("* no new content", "m.replace", root));
    await bob.send(roomId, edited("somebody else's", root));
    mustEqual((await bundleOf(alice, roomId, root))["m.replace"]?.event_id, good, "m.replace");
    mustEqual(await bundleOf(alice, roomId, good), {}, "the edit's aggregations");
  },
);

clause(
  clientApi("server-side-aggregation-of-mthread-relationships"),
  "a thread's latest event comes with its own aggregations",
  async () => {
    const { alice, roomId } = await pair();
    const root = await alice.send(roomId, "root");
    const last = await alice.send(roomId, related("last", "m.thread", root));
    const edit = await alice.send(roomId, edited("last, edited", last));
    const thread = (await bundleOf(alice, roomId, root))["m.thread"];
    mustEqual(thread?.latest_event.event_id, last, "latest_event");
    mustMatch(
      thread?.latest_event.unsigned,
      { "m.relations": { "m.replace": { event_id: edit } } },
      "its unsigned",
    );
  },
);

clause(
  clientApi("validation-of-mthread-relationships"),
  "a thread cannot begin with a reply in a thread",
  async () => {
    const { alice, roomId } = await pair();
    const root = await alice.send(roomId, "root");
    const eventId = await alice.send(roomId, related("reply", "m.thread", root));
    const path = { roomId, eventType: "m.room.message", txnId: "nested" };
    const body = related("nested", "m.thread", eventId);
    await mustFail(alice.request("sendMessage", { path, body }), 400);
  },
);

clause(
  clientApi("ignoring-users"),
  "what an ignored user sends is told neither in aggregations nor by its id",
  async () => {
    const { alice, bob, roomId } = await pair();
    const root = await alice.send(roomId, "root");
    const reply = await bob.send(roomId, related("reply", "m.thread", root));
    await alice.call("setAccountData", {
      path: { userId: alice.userId, type: "m.ignored_user_list" },
      body: { ignored_users: { [bob.userId]: {} } },
    });
    mustEqual((await bundleOf(alice, roomId, root))["m.thread"], undefined, "m.thread");
    const path = { roomId, eventId: reply };
    const { status } = await alice.request("getOneRoomEvent", { path });
    mustEqual([403, 404].includes(status), true, "the ignored user's event is refused");
  },
);

clause(
  clientApi("threaded-read-receipts"),
  "a threaded receipt is for an event of that thread",
  async () => {
    const { alice, bob, roomId } = await pair();
    const root = await alice.send(roomId, "root");
    const reply = await alice.send(roomId, related("reply", "m.thread", root));
    const other = await alice.send(roomId, "beside");
    const read = (eventId: string, threadId: string) =>
      bob.request("postReceipt", {
        path: { roomId, receiptType: "m.read", eventId },
        body: { thread_id: threadId },
      });
    mustEqual((await read(reply, root)).status, 200, "in the thread");
    mustEqual((await read(other, "main")).status, 200, "in the main timeline");
    await mustFail(read(other, root), 400, "M_INVALID_PARAM");
    await mustFail(read(reply, "main"), 400, "M_INVALID_PARAM");
  },
);

clause(
  clientApi("relationships-api"),
  "filters hold for what lies between too, when relations of relations are asked for",
  async () => {
    const { alice, roomId } = await pair();
    const root = await alice.send(roomId, "root");
    const reply = await alice.send(roomId, related("reply", "m.thread", root));
    const about = await alice.send(roomId, related("about", "m.reference", root));
    await alice.send(roomId, related("about the reply", "m.reference", reply));
    const farther = await alice.send(roomId, related("farther", "m.reference", about));
    const path = { roomId, eventId: root, relType: "m.reference" };
    const query = { recurse: true, limit: 10, dir: "f" };
    const { chunk } = (await alice.call("getRelatingEventsWithRelType", {
      ...{ path, query },
    })) as unknown as { chunk: { event_id: string }[] };
    const found = chunk.map((event) => event.event_id);
    mustEqual(found, [about, farther], "what refers to the root, and to what refers to it");
  },
);

clause(
  clientApi("avoiding-duplicate-annotations"),
  "of equal annotations that come at once one is taken",
  async () => {
    const { alice, roomId } = await pair();
    const root = await alice.send(roomId, "root");
    const relation = { rel_type: "m.annotation", event_id: root, key: "+" };
    const answers = await Promise.all(
      ["a", "b", "c"].map((txnId) =>
        alice.request("sendMessage", {
          path: { roomId, eventType: "m.reaction", txnId },
          body: { "m.relates_to": relation },
        }),
      ),
    );
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    mustEqual(statuses, [200, 400, 400], "the answers");
  },
);

clause(
  clientApi("filtering"),
  "events are filtered by how, and by whom, others are related to them",
  async () => {
    const { alice, bob, roomId } = await pair();
    const root = await alice.send(roomId, "root");
    const other = await alice.send(roomId, "other");
    await bob.send(roomId, related("reply", "m.thread", root));
    await alice.send(roomId, related("about", "m.reference", other));
    const found = async (filter: object) => {
      const query = { dir: "f", limit: 50, filter: JSON.stringify(filter) };
      const answer = await alice.call("getRoomEvents", { path: { roomId }, query });
      const { chunk } = answer as unknown as { chunk: { event_id: string }[] };
      return chunk.map((event) => event.event_id);
    };
    mustEqual(await found({ related_by_rel_types: ["m.thread"] }), [root], "by the relation");
    mustEqual(await found({ related_by_senders: [alice.userId] }), [other], "by the sender");
    const both = { related_by_rel_types: ["m.thread"], related_by_senders: [alice.userId] };
    mustEqual(await found(both), [], "by both");
  },
);
