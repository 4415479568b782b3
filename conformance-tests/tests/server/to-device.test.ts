import { beforeAll } from "vitest";
import { clause, serverApi, theSubject } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import type { JsonObject } from "../../harness/json.ts";
import { eventually, must, mustEqual } from "../../harness/must.ts";
import { type Messages, receive, sendToDevices, TYPE } from "../../harness/to-device.ts";
import { logIn, registerUser, type User } from "../../harness/users.ts";
import { withPeer, mustKeepTheProtocol } from "../../harness/with-peer.ts";

const here = withPeer();
const MODULE = serverApi("send-to-device-messaging");

const newUser = () => registerUser(theSubject(), "alice");

let mallory: string;
beforeAll(() => {
  mallory = here.peer.user("mallory");
});

/** The EDU of a message from mallory, who is the peer's. */
function edu(to: User, content: JsonObject, more: JsonObject = {}): JsonObject {
  return {
    edu_type: "m.direct_to_device",
    content: {
      sender: mallory,
      type: TYPE,
      message_id: unique("m"),
      messages: { [to.userId]: { [to.deviceId]: content } },
      ...more,
    },
  };
}

const contentsOf = async (user: User, count: number) =>
  (await receive(user, count)).messages.map(({ content }) => content);

clause(MODULE, "messages for a peer's users reach it in one EDU, with an id", async () => {
  const { peer } = here;
  const alice = await newUser();
  const [bob, carol] = [peer.user(unique("bob")), peer.user(unique("carol"))];
  const messages: Messages = { [bob]: { A: { n: 1 }, B: { n: 2 } }, [carol]: { "*": { n: 3 } } };
  await sendToDevices(alice, messages);
  const content = await peer.awaitEdu(
    "m.direct_to_device",
    (each) => each["sender"] === alice.userId,
  );
  mustEqual([content["type"], content["messages"]], [TYPE, messages], "the message");
  const { message_id: id } = content;
  must(typeof id === "string" && id.length > 0 && id.length <= 32, "the id is no short text");
});

clause(MODULE, "what a peer has not taken is sent again, with the same id", async () => {
  const { peer } = here;
  const alice = await newUser();
  const told: JsonObject[] = [];
  const stop = peer.answer("sendTransaction", ({ body }) => {
    const { edus = [] } = body as { edus?: JsonObject[] };
    for (const { content } of edus as { content: JsonObject }[]) {
      if (content["sender"] === alice.userId) told.push(content);
    }
    return { status: 503, body: { errcode: "M_UNKNOWN", error: "Not at this moment" } };
  });
  const bob = peer.user(unique("bob"));
  await sendToDevices(alice, { [bob]: { A: { n: 1 } } });
  await eventually("a first attempt", async () => told.length > 0);
  stop();
  // Whatever comes from the peer shows that it is back.
  await peer.send([], [edu(alice, { wake: true })]);
  const taken = await peer.awaitEdu(
    "m.direct_to_device",
    (each) => each["sender"] === alice.userId,
  );
  mustEqual(taken, told[0], "the message");
});

clause(MODULE, "a peer's message reaches its device, though no room is shared", async () => {
  const { peer } = here;
  const alice = await newUser();
  const phone = await logIn(alice);
  await peer.send([], [edu(phone, { n: 1 })]);
  const { messages } = await receive(phone, 1);
  mustEqual(messages, [{ sender: mallory, type: TYPE, content: { n: 1 } }], "the message");
});

clause(MODULE, "a peer's star means all devices of the user", async () => {
  const { peer } = here;
  const alice = await newUser();
  const phone = await logIn(alice);
  const messages = { [alice.userId]: { "*": { n: 1 } } };
  await peer.send([], [edu(alice, {}, { messages })]);
  for (const device of [alice, phone]) {
    mustEqual(await contentsOf(device, 1), [{ n: 1 }], "the message");
  }
});

clause(MODULE, "a message that comes twice is one, whatever transaction brings it", async () => {
  const { peer } = here;
  const alice = await newUser();
  const twice = edu(alice, { n: "twice" });
  await Promise.all([peer.send([], [twice]), peer.send([], [twice, twice])]);
  await peer.send([], [twice]);
  await peer.send([], [edu(alice, { n: "last" })]);
  mustEqual(await contentsOf(alice, 2), [{ n: "twice" }, { n: "last" }], "the messages");
});

clause(MODULE, "the messages of a transaction come in its order", async () => {
  const { peer } = here;
  const alice = await newUser();
  const numbers = Array.from({ length: 100 }, (_, n) => ({ n }));
  await peer.send(
    [],
    numbers.map((content) => edu(alice, content)),
  );
  mustEqual(await contentsOf(alice, 100), numbers, "the messages");
});

clause(MODULE, "a peer speaks for its own users alone", async () => {
  const { peer } = here;
  const alice = await newUser();
  const bob = await newUser();
  await peer.send(
    [],
    [
      edu(alice, { n: "spoofed" }, { sender: bob.userId }),
      edu(alice, { n: "of a third" }, { sender: "@bob:third.example" }),
      edu(alice, { n: "good" }),
    ],
  );
  mustEqual(await contentsOf(alice, 1), [{ n: "good" }], "the messages");
});

clause(MODULE, "what is malformed is dropped, and the good one beside it is not", async () => {
  const { peer } = here;
  const alice = await newUser();
  const contentOf = (more: JsonObject) => edu(alice, { n: "bad" }, more);
  const results = await peer.send(
    [],
    [
      contentOf({ sender: "mallory" }),
      contentOf({ type: null }),
      contentOf({ message_id: 5 }),
      contentOf({ messages: [] }),
      contentOf({ messages: { [alice.userId]: "all" } }),
      contentOf({ messages: { [alice.userId]: { [alice.deviceId]: "text" } } }),
      { edu_type: "m.direct_to_device", content: {} },
      edu(alice, { n: "good" }),
    ],
  );
  mustEqual(results, {}, "the answer");
  mustEqual(await contentsOf(alice, 1), [{ n: "good" }], "the messages");
});

mustKeepTheProtocol(here);
