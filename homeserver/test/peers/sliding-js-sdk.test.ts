import { EventType, MsgType, NotificationCountType, Preset, RelationType } from "matrix-js-sdk";
import { type MSC3575List, SlidingSync } from "matrix-js-sdk/lib/sliding-sync.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { register } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { decrypted, type JsDevice, signIn } from "./crypto/js-sdk.ts";
import "./support/js-sdk.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";

/** What Element Web asks of its rooms. */
const WANTED = {
  timeline_limit: 20,
  required_state: [
    ["m.room.member", "$LAZY"],
    ["m.room.member", "$ME"],
    ...["create", "name", "encryption", "join_rules", "power_levels", "tombstone"].map((type) => [
      `m.room.${type}`,
      "",
    ]),
  ],
};

/** Two people with matrix-js-sdk, who sync by its sliding sync alone. Each test goes on where the one before ended. */
describe("matrix-js-sdk 43 by sliding sync", { timeout: 180_000 }, () => {
  let network: Network;
  let weft: WeftProcess;
  let alice: JsDevice & { readonly sync: SlidingSync };
  let bob: JsDevice & { readonly sync: SlidingSync };
  let [secret, open]: string[] = [];

  async function slide(username: string, range: number): Promise<typeof alice> {
    const lists = new Map<string, MSC3575List>([["all", { ranges: [[0, range]], ...WANTED }]]);
    let sync: SlidingSync | undefined;
    const device = await signIn({ username, server: { baseUrl: weft.secureUrl } }, (client) => {
      sync = new SlidingSync(weft.secureUrl, lists, WANTED, client, 2_000);
      return { slidingSync: sync };
    });
    return { ...device, sync: sync! };
  }

  const say = async ({ client }: JsDevice, roomId: string, body: string): Promise<string> =>
    (await client.sendMessage(roomId, { msgtype: MsgType.Text, body })).event_id;
  const bodies = ({ client }: JsDevice, roomId: string): string[] =>
    (client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [])
      .filter((event) => event.getType() === "m.room.message")
      .map((event) => event.getContent().body as string);

  beforeAll(async () => {
    network = await createNetwork();
    weft = await startWeft(network, { name: "here" });
    await Promise.all([register(weft, "alice"), register(weft, "bob")]);
    [alice, bob] = [await slide("alice", 0), await slide("bob", 19)];
  }, 180_000);

  afterAll(async () => {
    for (const device of [alice, bob]) device?.client.stopClient();
    await weft?.stop();
    await network?.close();
  }, 180_000);

  test("an invite to an encrypted room is shown, and accepted", async () => {
    const { room_id: roomId } = await alice.client.createRoom({
      name: "Secret",
      preset: Preset.PrivateChat,
      invite: [bob.userId],
      initial_state: [
        {
          type: EventType.RoomEncryption,
          state_key: "",
          content: { algorithm: "m.megolm.v1.aes-sha2" },
        },
      ],
    });
    secret = roomId;
    const invite = await eventually("the invite", () => bob.client.getRoom(roomId));
    expect([invite.getMyMembership(), invite.name]).toEqual(["invite", "Secret"]);
    await bob.client.joinRoom(roomId);
    for (const { client, userId } of [alice, bob]) {
      await eventually(
        `the join at ${userId}`,
        () =>
          client.getRoom(roomId)?.getMember(bob.userId)?.membership === "join" &&
          client.getRoom(roomId)?.getMyMembership() === "join" &&
          client.getCrypto()!.isEncryptionEnabledInRoom(roomId),
      );
    }
  });

  test("encrypted messages both ways are read on both sides", async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      for (const [writer, reader] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        const id = await say(writer, secret!, `${writer.userId} says ${turn}`);
        const event = await decrypted(reader, secret!, id);
        expect(event.getContent().body).toBe(`${writer.userId} says ${turn}`);
        expect(event.getWireType()).toBe(EventType.RoomMessageEncrypted);
      }
    }
  });

  test("a second room comes to the top of a list of one, with counts, typing and receipts", async () => {
    const { room_id: roomId } = await bob.client.createRoom({
      name: "Open",
      preset: Preset.PublicChat,
    });
    open = roomId;
    await alice.client.joinRoom(roomId);
    await eventually("alice's room", () => alice.client.getRoom(roomId)?.name === "Open");
    // The library puts what it sends in front of what it is told later, whatever the order was.
    await eventually("alice's join at bob", () =>
      bob.client.getRoom(roomId)?.getMember(alice.userId),
    );
    const sent = await say(bob, roomId, "one");
    await say(bob, roomId, "two");
    const room = alice.client.getRoom(roomId)!;
    await eventually("both messages", () => bodies(alice, roomId).length === 2);
    expect(room.getUnreadNotificationCount(NotificationCountType.Total)).toBe(2);
    expect(room.getJoinedMemberCount()).toBe(2);
    await bob.client.sendTyping(roomId, true, 30_000);
    await eventually("bob types", () => room.getMember(bob.userId)?.typing === true);
    await alice.client.sendReadReceipt(room.findEventById(sent)!);
    await eventually(
      "one is read",
      () => room.getUnreadNotificationCount(NotificationCountType.Total) === 1,
    );
    const atBob = bob.client.getRoom(roomId)!;
    await eventually("bob sees it", () => atBob.getEventReadUpTo(alice.userId) === sent);
  });

  test("the room below is followed by a range that grows, and loses nothing of the time between", async () => {
    const missed = [await say(bob, secret!, "below"), await say(bob, open!, "above")];
    await eventually("above", () => bodies(alice, open!).includes("above"));
    alice.sync.setListRanges("all", [[0, 19]]);
    const event = await decrypted(alice, secret!, missed[0]!);
    expect(event.getContent().body).toBe("below");
    expect(alice.sync.getListData("all")).toMatchObject({ joinedCount: 2 });
  });

  test("after a kill of the server both go on from where they were", async () => {
    await weft.kill();
    await weft.start();
    const id = await say(alice, secret!, "after the kill");
    const event = await decrypted(bob, secret!, id);
    expect(event.getContent().body).toBe("after the kill");
    await say(bob, open!, "in the open, too");
    await eventually("it", () => bodies(alice, open!).includes("in the open, too"));
    const all = alice.client.getRoom(open)!.getLiveTimeline().getEvents();
    const ids = all.map((one) => one.getId());
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("edits, reactions and redactions arrive; whoever is put out sees it", async () => {
    const id = await say(bob, open!, "wrong");
    const atAlice = await eventually("it", () => alice.client.getRoom(open)!.findEventById(id));
    await bob.client.sendEvent(open!, EventType.Reaction, {
      "m.relates_to": { rel_type: RelationType.Annotation, event_id: id, key: "x" },
    });
    await eventually("the reaction", () => {
      const events = alice.client.getRoom(open)!.getLiveTimeline().getEvents();
      return events.some((event) => event.getType() === "m.reaction");
    });
    await bob.client.redactEvent(open!, id);
    await eventually("the redaction", () => atAlice.isRedacted());
    await bob.client.kick(open!, alice.userId, "enough");
    const room = alice.client.getRoom(open)!;
    await eventually("the kick", () => room.getMyMembership() === "leave");
  });
});
