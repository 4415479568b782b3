import { clause, clientApi, theSubject } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import type { JsonObject } from "../../harness/json.ts";
import { must, mustEqual, mustEqualAsSets, mustFail } from "../../harness/must.ts";
import { syncOnce, syncToken } from "../../harness/sync.ts";
import {
  messagesIn,
  receive,
  sendToDevices,
  TYPE,
  type DeviceMessage,
} from "../../harness/to-device.ts";
import { twoUsers } from "../../harness/two-users.ts";
import { logIn, registerUser } from "../../harness/users.ts";

const MODULE = clientApi("send-to-device-messaging");
const SEND = clientApi("put_matrixclientv3sendtodeviceeventtypetxnid");

const contents = (messages: readonly DeviceMessage[]) => messages.map(({ content }) => content);

clause(SEND, "a message reaches the device that it names, with sender and type", async () => {
  const [alice, bob] = await twoUsers();
  const phone = await logIn(bob);
  const since = await syncToken(bob);
  const content = { text: "hello", nested: { list: [1, null, "ü"] } };
  await sendToDevices(alice, { [bob.userId]: { [phone.deviceId]: content } });
  const { messages } = await receive(phone, 1);
  mustEqual(messages, [{ sender: alice.userId, type: TYPE, content }], "the messages");
  mustEqual(messagesIn(await syncOnce(bob, { since })), [], "messages for the other device");
});

clause(SEND, "one request sends to many users, to each device its own", async () => {
  const [alice, bob] = await twoUsers();
  const carol = await registerUser(theSubject(), "carol");
  const phone = await logIn(bob);
  const devices = [bob, phone, carol, alice];
  const messages: Record<string, Record<string, JsonObject>> = {};
  for (const { userId, deviceId } of devices) {
    (messages[userId] ??= {})[deviceId] = { for: deviceId };
  }
  await sendToDevices(alice, messages);
  for (const device of devices) {
    const got = contents((await receive(device, 1)).messages);
    mustEqual(got, [{ for: device.deviceId }], `what ${device.userId} got`);
  }
});

clause(SEND, "a star means all devices of the user, the sender's own too", async () => {
  const [alice, bob] = await twoUsers();
  const phone = await logIn(bob);
  await sendToDevices(alice, { [bob.userId]: { "*": { n: 1 } } });
  await sendToDevices(bob, { [bob.userId]: { "*": { n: 2 } } });
  for (const device of [bob, phone]) {
    mustEqual(contents((await receive(device, 2)).messages), [{ n: 1 }, { n: 2 }], "messages");
  }
});

clause(
  MODULE,
  "a message waits for a device that is offline, in the order of arrival",
  async () => {
    const [alice, bob] = await twoUsers();
    for (let n = 0; n < 10; n += 1) {
      await sendToDevices(alice, { [bob.userId]: { [bob.deviceId]: { n } } });
    }
    const { messages } = await receive(bob, 10);
    const numbers = Array.from({ length: 10 }, (_, n) => ({ n }));
    mustEqual(contents(messages), numbers, "the messages");
  },
);

clause(
  MODULE,
  "a message comes again until a sync says that it has come, and then never",
  async () => {
    const [alice, bob] = await twoUsers();
    const since = await syncToken(bob);
    await sendToDevices(alice, { [bob.userId]: { [bob.deviceId]: { n: 1 } } });
    const first = await receive(bob, 1, since);
    mustEqual(contents((await receive(bob, 1, since)).messages), [{ n: 1 }], "the answer again");
    const after = await syncOnce(bob, { since: first.nextBatch });
    mustEqual(messagesIn(after), [], "messages after the acknowledgement");
    // A client that starts anew has none of it either.
    await sendToDevices(alice, { [bob.userId]: { [bob.deviceId]: { n: 2 } } });
    await receive(bob, 1, after.next_batch);
    must(
      !JSON.stringify(messagesIn(await syncOnce(bob))).includes('"n":1'),
      "an acknowledged message came again",
    );
  },
);

clause(MODULE, "many messages come in several syncs, all of them, once and in order", async () => {
  const [alice, bob] = await twoUsers();
  const since = await syncToken(bob);
  const count = 250;
  for (let n = 0; n < count; n += 1) {
    await sendToDevices(alice, { [bob.userId]: { [bob.deviceId]: { n } } });
  }
  const first = messagesIn(await syncOnce(bob, { since }));
  must(first.length >= 1 && first.length < count, `${first.length} messages in one sync`);
  const { messages } = await receive(bob, count, since);
  const numbers = messages.map(({ content }) => content["n"]);
  mustEqual(
    numbers,
    Array.from({ length: count }, (_, n) => n),
    "the messages",
  );
});

clause(SEND, "a request that is sent again sends nothing again", async () => {
  const [alice, bob] = await twoUsers();
  const txnId = unique("txn");
  const messages = { [bob.userId]: { [bob.deviceId]: { n: 1 } } };
  await Promise.all([1, 2, 3].map(() => sendToDevices(alice, messages, { txnId })));
  await sendToDevices(alice, messages, { txnId });
  // What is sent of another type, or by another device, is another request.
  await sendToDevices(alice, messages, { txnId, type: "org.example.other" });
  await sendToDevices(await logIn(alice), messages, { txnId });
  await sendToDevices(alice, { [bob.userId]: { [bob.deviceId]: { n: "last" } } });
  const { messages: got } = await receive(bob, 4);
  mustEqual(
    got.map(({ type, content }) => [type, content["n"]]),
    [
      [TYPE, 1],
      ["org.example.other", 1],
      [TYPE, 1],
      [TYPE, "last"],
    ],
    "the messages",
  );
});

clause(SEND, "devices that do not exist are no error, and the others get theirs", async () => {
  const [alice, bob] = await twoUsers();
  const nobody = `@${unique("nobody")}:${theSubject().serverName}`;
  await sendToDevices(alice, {
    [nobody]: { "*": { n: 1 }, DEVICE: { n: 2 } },
    [bob.userId]: { NONE: { n: 3 }, [bob.deviceId]: { n: 4 } },
  });
  mustEqual(contents((await receive(bob, 1)).messages), [{ n: 4 }], "the messages");
});

clause(MODULE, "what waits for a device ends with it", async () => {
  const [alice, bob] = await twoUsers();
  const phone = await logIn(bob);
  await sendToDevices(alice, { [bob.userId]: { [phone.deviceId]: { n: "old" } } });
  await phone.call("logout", {});
  await sendToDevices(alice, { [bob.userId]: { [phone.deviceId]: { n: "while away" } } });
  const again = await logIn(bob, { device_id: phone.deviceId });
  await sendToDevices(alice, { [bob.userId]: { [phone.deviceId]: { n: "new" } } });
  mustEqual(contents((await receive(again, 1)).messages), [{ n: "new" }], "the messages");
});

clause(MODULE, "a message wakes a sync that waits", async () => {
  const [alice, bob] = await twoUsers();
  const since = await syncToken(bob);
  const waiting = syncOnce(bob, { since, timeout: 30_000 });
  await sendToDevices(alice, { [bob.userId]: { [bob.deviceId]: { n: 1 } } });
  mustEqual(contents(messagesIn(await waiting)), [{ n: 1 }], "the messages");
});

clause(SEND, "a request that is none is refused, and sends nothing", async () => {
  const [alice, bob] = await twoUsers();
  const send = (body: object, path: object = {}) =>
    alice.request("sendToDevice", {
      path: { eventType: TYPE, txnId: unique("txn"), ...path },
      body,
    });
  const good = { [bob.deviceId]: { n: "beside it" } };
  for (const body of [
    {},
    { messages: [] },
    { messages: { [bob.userId]: [good] } },
    { messages: { [bob.userId]: { ...good, NONE: "text" } } },
  ]) {
    await mustFail(send(body), 400);
  }
  const large = { text: "x".repeat(70_000) };
  const tooLarge = { messages: { [bob.userId]: { ...good, NONE: large } } };
  await mustFail(send(tooLarge), [400, 413]);
  await sendToDevices(alice, { [bob.userId]: { [bob.deviceId]: { n: "last" } } });
  mustEqual(contents((await receive(bob, 1)).messages), [{ n: "last" }], "the messages");
});

clause(SEND, "who has no token sends nothing", async () => {
  const [alice, bob] = await twoUsers();
  const messages = { [bob.userId]: { [bob.deviceId]: {} } };
  alice.accessToken = undefined;
  const path = { eventType: TYPE, txnId: unique("txn") };
  await mustFail(alice.request("sendToDevice", { path, body: { messages } }), 401);
});

clause(MODULE, "devices are told apart that have the same id, of different users", async () => {
  const [alice, bob] = await twoUsers();
  const device_id = unique("SAME");
  const [hers, his] = await Promise.all([logIn(alice, { device_id }), logIn(bob, { device_id })]);
  await sendToDevices(alice, { [bob.userId]: { [device_id]: { n: 1 } } });
  await sendToDevices(alice, { [alice.userId]: { [device_id]: { n: 2 } } });
  mustEqual(contents((await receive(his, 1)).messages), [{ n: 1 }], "his messages");
  mustEqual(contents((await receive(hers, 1)).messages), [{ n: 2 }], "her messages");
  mustEqualAsSets([his.deviceId, hers.deviceId], [device_id, device_id], "the devices");
});
