import {
  EventStatus,
  EventType,
  type MatrixEvent,
  MsgType,
  Preset,
  RelationType,
  SetPresence,
  Visibility,
} from "matrix-js-sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Body } from "../support/user.ts";
import { arrived, type Person, roomOf, shown, startPerson } from "./support/js-sdk.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { hasNio, readWithNio } from "./support/nio.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";
import { copyRoom } from "./support/room-copy.ts";
import { eventually } from "../support/wait.ts";

const EACH_WAY = 200;

/** Two servers and a matrix-js-sdk on each, everything over TLS. Each test goes on where the one before ended. */
describe("two servers, one conversation of matrix-js-sdk 43", { timeout: 120_000 }, () => {
  let network: Network;
  let here: WeftProcess;
  let there: WeftProcess;
  let alice: Person;
  let bob: Person;
  let roomId: string;

  beforeAll(async () => {
    network = await createNetwork();
    [here, there] = await Promise.all([
      startWeft(network, { name: "here" }),
      startWeft(network, { name: "there" }),
    ]);
    [alice, bob] = await Promise.all([startPerson(here, "alice"), startPerson(there, "bob")]);
  }, 120_000);

  afterAll(async () => {
    alice?.client.stopClient();
    bob?.client.stopClient();
    await Promise.all([here?.stop(), there?.stop()]);
    await network?.close();
  }, 180_000);

  const say = async ({ client }: Person, body: string): Promise<string> =>
    (await client.sendMessage(roomId, { msgtype: MsgType.Text, body })).event_id;

  test("an invite crosses to the other server and is accepted", async () => {
    const room = await alice.client.createRoom({
      name: "Two servers",
      topic: "One conversation",
      preset: Preset.PrivateChat,
      visibility: Visibility.Private,
      invite: [bob.userId],
    });
    roomId = room.room_id;
    const invited = await roomOf(bob, roomId, "invite");
    expect(invited.name).toBe("Two servers");
    await bob.client.joinRoom(roomId);
    await roomOf(bob, roomId, "join");
    await eventually(
      "bob's join at alice's",
      () => alice.client.getRoom(roomId)?.getMember(bob.userId)?.membership === "join",
    );
  });

  test(`${EACH_WAY} messages each way are shown once on both sides`, async () => {
    const wanted: string[] = [];
    const speak = async (person: Person) => {
      for (let i = 0; i < EACH_WAY; i += 1) {
        wanted.push(await say(person, `${person.userId} says ${i}`));
      }
    };
    await Promise.all([speak(alice), speak(bob)]);
    for (const person of [alice, bob]) {
      const messages = async () =>
        (await shown(person, roomId)).filter(
          (event) => event.getType() === "m.room.message" && event.status !== EventStatus.SENDING,
        );
      await eventually(
        `${wanted.length} messages at ${person.userId}`,
        async () => (await messages()).length >= wanted.length,
        { every: 500 },
      );
      expect((await messages()).map(idOf).sort()).toEqual([...wanted].sort());
    }
  });

  test("each sender's messages keep their order on the other side", async () => {
    for (const [reader, writer] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const bodies = (await shown(reader, roomId))
        .filter((event) => event.getSender() === writer.userId)
        .flatMap((event) => (event.getContent().body as string | undefined) ?? []);
      expect(bodies).toEqual(bodies.map((_, i) => `${writer.userId} says ${i}`));
    }
  });

  test("a file is read on the other server by authenticated download", async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(50_000));
    const { content_uri: url } = await alice.client.uploadContent(new Blob([bytes]), {
      name: "noise.bin",
      type: "application/octet-stream",
    });
    const { event_id: eventId } = await alice.client.sendMessage(roomId, {
      msgtype: MsgType.File,
      body: "noise.bin",
      url,
      info: { size: bytes.length, mimetype: "application/octet-stream" },
    });
    const event = await arrived(bob, roomId, eventId);
    const address = bob.client.mxcUrlToHttp(
      event.getContent().url as string,
      undefined,
      undefined,
      undefined,
      false,
      true,
      true,
    )!;
    const answer = await fetch(address, {
      headers: { authorization: `Bearer ${bob.client.getAccessToken()}` },
    });
    expect(answer.status).toBe(200);
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
    expect((await fetch(address)).status).toBe(401);
  });

  test("a reaction, an edit and a redaction are seen on the other side", async () => {
    const first = await say(alice, "A frist line");
    const second = await say(bob, "To be taken back");
    await Promise.all([arrived(bob, roomId, first), arrived(alice, roomId, second)]);
    await bob.client.sendEvent(roomId, EventType.Reaction, {
      "m.relates_to": { rel_type: RelationType.Annotation, event_id: first, key: "👍" },
    });
    await alice.client.sendMessage(roomId, {
      msgtype: MsgType.Text,
      body: "* A first line",
      "m.new_content": { msgtype: MsgType.Text, body: "A first line" },
      "m.relates_to": { rel_type: RelationType.Replace, event_id: first },
    });
    await bob.client.redactEvent(roomId, second, undefined, { reason: "said too soon" });
    for (const person of [alice, bob]) {
      const { client } = person;
      await eventually(
        `the edit at ${person.userId}`,
        async () => (await arrived(person, roomId, first)).getContent().body === "A first line",
      );
      await eventually(`the redaction at ${person.userId}`, async () =>
        (await arrived(person, roomId, second)).isRedacted(),
      );
      await eventually(`the reaction at ${person.userId}`, () =>
        client
          .getRoom(roomId)!
          .relations.getChildEventsForEvent(first, RelationType.Annotation, EventType.Reaction)
          ?.getSortedAnnotationsByKey()
          ?.some(([key, events]) => key === "👍" && events.size === 1),
      );
      const edited: Body = await client.fetchRoomEvent(roomId, first);
      expect(edited.unsigned["m.relations"]["m.replace"].sender).toBe(alice.userId);
    }
  });

  test("receipts, typing and presence cross over", async () => {
    const last = await arrived(alice, roomId, await say(bob, "Are you reading?"));
    await alice.client.sendReadReceipt(last);
    await eventually("alice's receipt at bob's", () =>
      bob.client.getRoom(roomId)?.hasUserReadEvent(alice.userId, last.getId()!),
    );
    await alice.client.sendTyping(roomId, true, 20_000);
    const typing = () => bob.client.getRoom(roomId)?.getMember(alice.userId)?.typing;
    await eventually("alice types", typing);
    await alice.client.sendTyping(roomId, false, 0);
    await eventually("alice types no more", () => typing() === false);
    // Otherwise every further sync says that she is online.
    await alice.client.setSyncPresence(SetPresence.Unavailable);
    await alice.client.setPresence({ presence: SetPresence.Unavailable, status_msg: "at lunch" });
    await eventually("alice's presence at bob's", () => {
      const user = bob.client.getUser(alice.userId);
      return user?.presence === "unavailable" && user.presenceStatusMsg === "at lunch";
    });
  });

  test("both servers hold the same events and the same state", async () => {
    const [own, other] = await Promise.all(
      [alice, bob].map(({ client }) =>
        copyRoom((method, path) => client.http.authedRequest(method as never, path), roomId),
      ),
    );
    expect(other).toEqual(own);
    expect(own!.events.size).toBeGreaterThan(2 * EACH_WAY + 10);
  });

  test("bob pages back to the room's creation", async () => {
    expect((await shown(bob, roomId))[0]!.getType()).toBe("m.room.create");
  });

  test.skipIf(!hasNio)("matrix-nio reads the same room on both servers", async () => {
    const [own, other] = await Promise.all([
      readWithNio({ ...network, secureUrl: here.secureUrl }, alice, roomId),
      readWithNio({ ...network, secureUrl: there.secureUrl }, bob, roomId),
    ]);
    expect(own.name).toBe("Two servers");
    expect(own.members).toEqual([alice.userId, bob.userId].sort());
    expect({ ...other, events: idsOf(other.events) }).toEqual({
      ...own,
      events: idsOf(own.events),
    });
    const bodies = own.events.flatMap((event) => event.content.body ?? []);
    expect(bodies.filter((body: string) => body.includes(" says "))).toHaveLength(2 * EACH_WAY);
  });

  test("neither server had anything to complain about", () => {
    expect([...here.logged, ...there.logged]).toEqual([]);
  });
});

function idOf(event: MatrixEvent): string {
  return event.getId()!;
}

function idsOf(events: Body[]): string[] {
  return events.map((event): string => event.event_id).sort();
}
