import { createValidators } from "@weft/spec/validators";
import { afterAll, beforeAll } from "vitest";
import { clause, clientApi, gatewayApi, theSubject } from "../../harness/clause.ts";
import { createClient, unique } from "../../harness/client.ts";
import { eventually, must, mustBe401, mustEqual, mustFail } from "../../harness/must.ts";
import { listen, type PeerServer, type Reply } from "../../harness/peer-server.ts";
import { roomOfTwo } from "../../harness/two-users.ts";
import { logIn, registerUser, type User } from "../../harness/users.ts";

interface Told {
  readonly event_id?: string;
  readonly room_id?: string;
  readonly type?: string;
  readonly sender?: string;
  readonly prio?: string;
  readonly user_is_target?: boolean;
  readonly content?: { readonly body?: string };
  readonly counts?: { readonly unread?: number };
  readonly devices: readonly [
    { readonly app_id: string; readonly pushkey: string; readonly data?: object; tweaks?: object },
  ];
}

const validators = createValidators();
const PATH = "/_matrix/push/v1/notify";
let server: PeerServer;
const told: Told[] = [];
const refused: Told[] = [];
/** What is wrong with the requests that came. */
const faults: string[] = [];
/** How notifications to a pushkey are answered. */
const answers = new Map<string, Reply>();

beforeAll(async () => {
  server = await listen(theSubject().peerTls, async ({ method, url, text }) => {
    if (method !== "POST" || url !== PATH) faults.push(`${method} ${url}`);
    const body = JSON.parse(text) as { notification: Told };
    faults.push(...validators.body("notify", body));
    const reply = answers.get(body.notification.devices[0].pushkey);
    (reply?.status === undefined ? told : refused).push(body.notification);
    return reply ?? { body: { rejected: [] } };
  });
});
afterAll(() => server?.close());

const app_id = "org.example.conformance";
const gatewayUrl = () => `https://localhost:${server.port}${PATH}`;

function pusher(pushkey: string, more: object = {}) {
  return {
    ...{ kind: "http", app_id, pushkey, app_display_name: "App", device_display_name: "Phone" },
    ...{ lang: "en", data: { url: gatewayUrl() } },
    ...more,
  };
}

async function setPusher(user: User, more: object = {}): Promise<string> {
  const pushkey = unique("pushkey");
  await user.call("postPusher", { body: pusher(pushkey, more) });
  return pushkey;
}

async function keysOf(user: User): Promise<string[]> {
  return (await user.call("getPushers")).pushers.map(({ pushkey }) => pushkey);
}

/** What a pushkey is told, once that fits. */
async function mustBeTold(what: string, pushkey: string, fits: (all: Told[]) => boolean) {
  const all = () => told.filter(({ devices }) => devices[0].pushkey === pushkey);
  await eventually(what, async () => fits(all()), 20_000);
  return all();
}

clause(
  clientApi("get_matrixclientv3pushers"),
  "pushers are listed as they were set, and deleted with a kind of null",
  async () => {
    const alice = await registerUser(theSubject());
    mustEqual(await keysOf(alice), [], "pushers of a new user");
    const data = { url: gatewayUrl(), format: "event_id_only", custom: 1 };
    const pushkey = await setPusher(alice, { data, profile_tag: "tag" });
    const { pushers } = await alice.call("getPushers");
    const { kind, lang, app_display_name, device_display_name, profile_tag } = pushers[0]!;
    mustEqual(
      { kind, lang, app_display_name, device_display_name, profile_tag, data: pushers[0]!.data },
      {
        ...{ kind: "http", lang: "en", app_display_name: "App", device_display_name: "Phone" },
        ...{ profile_tag: "tag", data },
      },
      "the pusher",
    );
    await alice.call("postPusher", { body: { kind: null, app_id, pushkey } });
    mustEqual(await keysOf(alice), [], "pushers after its deletion");
  },
);

clause(
  clientApi("post_matrixclientv3pushersset"),
  "a pusher that lacks something, or whose gateway has another path, is refused",
  async () => {
    const alice = await registerUser(theSubject());
    const key = unique("key");
    for (const missing of ["lang", "data", "app_display_name", "device_display_name"]) {
      const body = pusher(key, { [missing]: undefined });
      await mustFail(alice.request("postPusher", { body }), 400, "M_MISSING_PARAM");
    }
    const elsewhere = [`https://localhost:${server.port}/notify`, "no address"];
    for (const url of elsewhere) {
      const body = pusher(key, { data: { url } });
      const { status } = await alice.request("postPusher", { body });
      mustEqual(status, 400, `the status for a gateway at ${url}`);
    }
    const other = pusher(key, { kind: "pigeon" });
    mustEqual((await alice.request("postPusher", { body: other })).status, 400, "another kind");
    mustEqual(await keysOf(alice), [], "pushers after that");
  },
);

clause(
  clientApi("post_matrixclientv3pushersset"),
  "nobody without an access token has pushers",
  async () => {
    const stranger = createClient(theSubject());
    await mustBe401(stranger.request("getPushers"), "M_MISSING_TOKEN");
    const body = pusher("key");
    await mustBe401(stranger.request("postPusher", { body }), "M_MISSING_TOKEN");
  },
);

clause(
  clientApi("post_matrixclientv3pushersset"),
  "a pushkey goes to the user who sets it last, unless that one appends",
  async () => {
    const [alice, bob] = [await registerUser(theSubject()), await registerUser(theSubject())];
    const pushkey = await setPusher(alice);
    await bob.call("postPusher", { body: pusher(pushkey, { append: true }) });
    mustEqual([await keysOf(alice), await keysOf(bob)], [[pushkey], [pushkey]], "with append");
    await bob.call("postPusher", { body: pusher(pushkey) });
    mustEqual([await keysOf(alice), await keysOf(bob)], [[], [pushkey]], "without");
  },
);

clause(clientApi("push-notifications"), "a pusher ends with its session", async () => {
  const alice = await registerUser(theSubject());
  const phone = await logIn(alice);
  await setPusher(phone);
  await phone.call("logout");
  mustEqual(await keysOf(alice), [], "pushers after the logout");
});

clause(
  gatewayApi("post_matrixpushv1notify"),
  "a message is told to the gateway with what is unread, and a receipt clears that",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const custom = { url: gatewayUrl(), custom: { deep: true } };
    const pushkey = await setPusher(bob, { data: custom });
    await bob.send(roomId, "one's own");
    const eventId = await alice.send(roomId, "hello");
    const [first] = await mustBeTold("the message", pushkey, (all) => all.length > 0);
    const { event_id, room_id, type, sender, content, devices } = first!;
    mustEqual(
      { event_id, room_id, type, sender, body: content?.body, data: devices[0].data },
      {
        ...{ event_id: eventId, room_id: roomId, type: "m.room.message", sender: alice.userId },
        ...{ body: "hello", data: { custom: { deep: true } } },
      },
      "what was told",
    );
    must((first!.counts?.unread ?? 0) >= 1, "it counts as unread");
    await bob.call("postReceipt", { path: { roomId, receiptType: "m.read", eventId }, body: {} });
    await mustBeTold("nothing unread", pushkey, (all) => (all.at(-1)?.counts?.unread ?? 0) === 0);
  },
);

clause(
  gatewayApi("post_matrixpushv1notify"),
  "with event_id_only nothing of the content is told",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const pushkey = await setPusher(bob, { data: { url: gatewayUrl(), format: "event_id_only" } });
    const eventId = await alice.send(roomId, "secret");
    const [first] = await mustBeTold("the message", pushkey, (all) => all.length > 0);
    mustEqual([first!.event_id, first!.room_id], [eventId, roomId], "identifiers");
    mustEqual(
      [first!.content, first!.sender, first!.type],
      [undefined, undefined, undefined],
      "rest",
    );
  },
);

clause(
  gatewayApi("post_matrixpushv1notify"),
  "an invite names its user as the target",
  async () => {
    const [alice, bob] = [await registerUser(theSubject()), await registerUser(theSubject())];
    const pushkey = await setPusher(bob);
    const roomId = await alice.createRoom({ invite: [bob.userId] });
    const [first] = await mustBeTold("the invite", pushkey, (all) => all.length > 0);
    mustEqual(
      [first!.type, first!.room_id, first!.user_is_target],
      ["m.room.member", roomId, true],
      "what was told",
    );
  },
);

clause(
  gatewayApi("homeserver-behaviour"),
  "what a gateway does not take is told again, and a pushkey that it rejects no more",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const pushkey = await setPusher(bob);
    answers.set(pushkey, { status: 500, body: {} });
    const eventId = await alice.send(roomId, "again");
    await eventually(
      "the first attempt",
      async () => refused.some((one) => one.event_id === eventId),
      20_000,
    );
    answers.delete(pushkey);
    await mustBeTold("the message", pushkey, (all) => all.some((one) => one.event_id === eventId));
    answers.set(pushkey, { body: { rejected: [pushkey] } });
    await alice.send(roomId, "last");
    await eventually("the pusher is deleted", async () => (await keysOf(bob)).length === 0, 20_000);
  },
);

clause(
  gatewayApi("post_matrixpushv1notify"),
  "gateways were told nothing that breaks the protocol",
  async () => mustEqual(faults, [], "faults"),
);
