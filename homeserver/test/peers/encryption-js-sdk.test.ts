import { readFile } from "node:fs/promises";
import { Attachment, EncryptedAttachment } from "@matrix-org/matrix-sdk-crypto-wasm";
import {
  ClientEvent,
  EventType,
  type MatrixEvent,
  MsgType,
  Preset,
  RelationType,
} from "matrix-js-sdk";
import { VerificationPhase, type VerificationRequest } from "matrix-js-sdk/lib/crypto-api/index.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as chat from "../../../web-client/e2e/conversation.ts";
import * as safe from "../../../web-client/e2e/encryption.ts";
import * as verify from "../../../web-client/e2e/verification.ts";
import { register } from "../support/user.ts";
import { eventually, inTime } from "../support/wait.ts";
import { decrypted, emojiOf, type JsDevice, nextRequest, setUp, signIn } from "./crypto/js-sdk.ts";
import { hasBrowser } from "./support/browser.ts";
import "./support/js-sdk.ts";
import { twoScreens } from "./support/two-screens.ts";

const ROOM = "The workshop";
const ENCRYPTED = {
  type: EventType.RoomEncryption,
  state_key: "",
  content: { algorithm: "m.megolm.v1.aes-sha2" },
};

/** Reads all that comes, as an app does whose rooms are open: the library by itself reads what is newest alone. */
function readAll({ client }: JsDevice): void {
  client.on(ClientEvent.Event, (event) => {
    if (event.isEncrypted()) void client.decryptEventIfNeeded(event);
  });
}

/** Alice has our client in a browser; Bob and Carol, on another server, have matrix-js-sdk. Each test goes on where the one before ended. */
describe.skipIf(!hasBrowser("Chromium"))(
  "our client and matrix-js-sdk 43 in one room",
  { timeout: 240_000 },
  () => {
    const on = twoScreens();
    let bob: JsDevice;
    let carol: JsDevice;
    let roomId: string;
    let recoveryKey: string;

    const alice = (): string => `@alice:${on.here.serverName}`;

    beforeAll(async () => {
      await Promise.all([register(on.there, "bob"), register(on.there, "carol")]);
      const server = { baseUrl: on.there.secureUrl };
      const owners = ["bob", "carol"].map((username) => ({ username, server }));
      [bob, carol] = (await Promise.all(owners.map((owner) => signIn(owner)))) as [
        JsDevice,
        JsDevice,
      ];
      for (const device of [bob, carol]) readAll(device);
      await Promise.all([setUp(bob, owners[0]!), setUp(carol, owners[1]!)]);
    }, 240_000);

    afterAll(() => {
      for (const device of [bob, carol]) device?.client.stopClient();
    });

    /** The message that says this, as a device has decrypted it. */
    async function said(device: JsDevice, body: string, room = roomId): Promise<MatrixEvent> {
      return eventually(`${device.userId} reads "${body}"`, () => {
        const events = device.client.getRoom(room)?.getLiveTimeline().getEvents() ?? [];
        return events.find((event) => event.isEncrypted() && event.getContent().body === body);
      });
    }

    async function aliceSays(body: string): Promise<MatrixEvent> {
      await chat.sendMessage(on.alice.page, body);
      return said(bob, body);
    }

    async function says({ client }: JsDevice, body: string): Promise<string> {
      const sent = await client.sendMessage(roomId, { msgtype: MsgType.Text, body });
      await chat.waitForMessage(on.alice.page, body, 60_000);
      return sent.event_id;
    }

    const aliceKnowsOf = (members: number): Promise<void> =>
      on.alice.page
        .getByRole("button", { name: `People, ${members}` })
        .waitFor({ timeout: 60_000 });

    async function joins({ client }: JsDevice, room: string): Promise<void> {
      await eventually("the invite", () => client.getRoom(room));
      await client.joinRoom(room);
      await eventually(
        "it is encrypted",
        () =>
          client.getRoom(room)?.getMember(alice())?.membership === "join" &&
          client.getCrypto()!.isEncryptionEnabledInRoom(room),
      );
    }

    /** The device compares what it shows with what Alice sees, and both say that it is the same. */
    async function compare(
      request: VerificationRequest,
      begin: () => Promise<void>,
    ): Promise<void> {
      await begin();
      const verifier = await eventually("a way was chosen", () => request.verifier);
      const done = verifier.verify();
      done.catch(() => {});
      const [sas, seen] = await Promise.all([
        inTime("it shows emoji", emojiOf(verifier)),
        verify.emojiShown(on.alice.page),
      ]);
      expect(seen.map((text) => text.split("\n")[0])).toEqual(
        sas.sas.emoji!.map(([symbol]) => symbol),
      );
      await Promise.all([verify.theyMatch(on.alice.page), sas.confirm()]);
      await inTime("it is done", done);
      await verify.leaveVerified(on.alice.page);
    }

    async function trustsAlice(device: JsDevice): Promise<void> {
      await eventually(`${device.userId} has verified Alice`, async () =>
        (await device.crypto.getUserVerificationStatus(alice())).isCrossSigningVerified(),
      );
    }

    test("a private room of our client is encrypted for them", async () => {
      const { page } = on.alice;
      await chat.register(page, {
        baseUrl: on.here.baseUrl,
        username: "alice",
        password: "Alice-Secret-1",
      });
      recoveryKey = await safe.setUp(page);
      await chat.createRoom(page, { name: ROOM });
      for (const device of [bob, carol]) await chat.invite(page, device.userId);
      roomId = await eventually("the invite", () => bob.client.getRooms()[0]?.roomId);
      for (const device of [bob, carol]) await joins(device, roomId);
      await aliceKnowsOf(3);
    });

    test("messages are read both ways", async () => {
      for (const turn of [1, 2, 3]) {
        const event = await aliceSays(`Alice says ${turn}`);
        expect(event.getWireType()).toBe(EventType.RoomMessageEncrypted);
        await decrypted(carol, roomId, event.getId()!);
        await decrypted(carol, roomId, await says(bob, `Bob says ${turn}`));
        await decrypted(bob, roomId, await says(carol, `Carol says ${turn}`));
      }
      expect(await safe.eventsOnServer(on.alice.page)).not.toContain("says");
    });

    test("edits and reactions arrive both ways", async () => {
      const { page } = on.alice;
      const ours = await aliceSays("I will bring the hammre.");
      await chat.edit(page, "I will bring the hammre.", "I will bring the hammer.");
      await eventually(
        "bob sees the edit",
        () => ours.getContent().body === "I will bring the hammer.",
      );
      const theirs = await says(bob, "And I the nials.");
      await bob.client.sendMessage(roomId, {
        msgtype: MsgType.Text,
        body: "* And I the nails.",
        "m.new_content": { msgtype: MsgType.Text, body: "And I the nails." },
        "m.relates_to": { rel_type: RelationType.Replace, event_id: theirs },
      });
      await chat.waitForMessage(page, "And I the nails.", 60_000);
      await chat.react(page, "And I the nails.", "thumbs up");
      await eventually("bob sees the reaction", () => {
        const set = bob.client.getRoom(roomId)!.getUnfilteredTimelineSet();
        const type = RelationType.Annotation;
        const found = set.relations.getChildEventsForEvent(theirs, type, EventType.Reaction);
        return found?.getRelations().some((event) => event.getSender() === alice());
      });
      await bob.client.sendEvent(roomId, EventType.Reaction, {
        "m.relates_to": { rel_type: RelationType.Annotation, event_id: ours.getId()!, key: "🔨" },
      });
      await chat.waitForReaction(page, "I will bring the hammer.", "🔨", 1);
      expect(await safe.eventsOnServer(page)).not.toMatch(/hammer|nails/);
    });

    test("deletions too", async () => {
      const { page } = on.alice;
      const ours = await aliceSays("Forget what I said.");
      await chat.deleteMessage(page, "Forget what I said.");
      await eventually("bob sees it gone", () => ours.isRedacted());
      const theirs = await says(bob, "And what I said.");
      await bob.client.redactEvent(roomId, theirs);
      await chat.message(page, "And what I said.").waitFor({ state: "detached" });
    });

    test("encrypted files are opened both ways", async () => {
      const { page } = on.alice;
      const [plan, answer] = [Buffer.from("the plan of the boat"), Buffer.from("the answer to it")];
      await chat.sendFile(page, { name: "plan.txt", mimeType: "text/plain", buffer: plan });
      const { file } = (await said(bob, "plan.txt")).getContent();
      const url = bob.client.mxcUrlToHttp(
        file.url,
        undefined,
        undefined,
        undefined,
        false,
        true,
        true,
      );
      const headers = { authorization: `Bearer ${bob.client.getAccessToken()}` };
      const sealed = await fetch(url!, { headers });
      const bytes = new Uint8Array(await sealed.arrayBuffer());
      expect(Buffer.from(bytes).includes("boat")).toBe(false);
      const opened = Attachment.decrypt(new EncryptedAttachment(bytes, JSON.stringify(file)));
      expect(Buffer.from(opened)).toEqual(plan);

      const made = Attachment.encrypt(answer);
      const { content_uri: mxc } = await bob.client.uploadContent(
        new Blob([made.encryptedData.slice()]),
      );
      await bob.client.sendEvent(roomId, EventType.RoomMessage, {
        msgtype: MsgType.File,
        body: "answer.txt",
        file: { ...JSON.parse(made.mediaEncryptionInfo!), url: mxc },
        info: { mimetype: "text/plain", size: answer.length },
      });
      const button = page.getByRole("button", { name: "Download answer.txt" });
      const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
      expect(await readFile(await download.path())).toEqual(answer);
    });

    test("Alice asks Bob to verify, and they compare emoji", async () => {
      const { page } = on.alice;
      await verify.writeTo(page, bob.userId);
      const direct = await eventually("the direct chat", () =>
        bob.client.getRooms().find((room) => room.roomId !== roomId),
      );
      await joins(bob, direct.roomId);
      await chat.openRoom(page, ROOM);
      const asked = nextRequest(bob);
      await verify.askToVerify(page, "bob");
      const request = await inTime("the request", asked);
      await request.accept();
      await compare(request, () => verify.chooseEmoji(page));
      await trustsAlice(bob);
    });

    test("Carol asks Alice to verify, and they compare emoji", async () => {
      const { page } = on.alice;
      const { room_id: direct } = await carol.client.createRoom({
        preset: Preset.TrustedPrivateChat,
        is_direct: true,
        invite: [alice()],
        initial_state: [ENCRYPTED],
      });
      await chat.acceptInvite(page, "carol");
      await joins(carol, direct);
      const request = await carol.crypto.requestVerificationDM(alice(), direct);
      await verify.acceptRequest(page);
      await eventually("both are ready", () => request.phase === VerificationPhase.Ready);
      await compare(request, async () => void (await request.startVerification("m.sas.v1")));
      await trustsAlice(carol);
      await chat.openRoom(page, ROOM);
      const verified = { name: "Encrypted, and everyone is verified", exact: true };
      await page.getByRole("button", verified).waitFor({ timeout: 60_000 });
    });

    test("who has left gets no key of what is said afterwards", async () => {
      const { page } = on.alice;
      const before = await aliceSays("Carol still reads this.");
      await decrypted(carol, roomId, before.getId()!);
      await carol.client.leave(roomId);
      await aliceKnowsOf(2);
      const after = await aliceSays("Carol is gone.");
      const session = after.getWireContent()["session_id"];
      expect(session).not.toBe(before.getWireContent()["session_id"]);
      // What is written to her directly comes behind all keys that she was sent before.
      await chat.openRoom(page, "carol");
      await chat.sendMessage(page, "Are you well?");
      const direct = carol.client.getRooms().find((room) => room.roomId !== roomId)!;
      await said(carol, "Are you well?", direct.roomId);
      const keys = await carol.crypto.exportRoomKeys();
      const known = keys.map(({ session_id: id }) => id);
      expect(known).toContain(before.getWireContent()["session_id"]);
      expect(known).not.toContain(session);
    });

    test("who comes back reads on, and nothing of what was said meanwhile", async () => {
      const { page } = on.alice;
      await chat.openRoom(page, ROOM);
      await chat.invite(page, carol.userId);
      await joins(carol, roomId);
      await aliceKnowsOf(3);
      const welcome = await aliceSays("Welcome back.");
      await decrypted(carol, roomId, welcome.getId()!);
      await says(carol, "Thank you.");
      const missed = (await said(bob, "Carol is gone.")).getId()!;
      const room = carol.client.getRoom(roomId)!;
      const event = await eventually("what was said meanwhile", async () => {
        const found = room.findEventById(missed);
        if (found === undefined) await carol.client.scrollback(room);
        return found;
      });
      await eventually("she cannot read it", () => event.isDecryptionFailure());
      expect(on.alice.errors).toEqual([]);
    });

    test("what is said while Alice has no device is read at her next sign-in", async () => {
      const { page } = on.alice;
      const dehydrated = await eventually("her dehydrated device", async () => {
        const devices = (await bob.crypto.getUserDeviceInfo([alice()])).get(alice());
        return [...(devices?.values() ?? [])].find((device) => device.dehydrated);
      });
      await safe.signOut(page);
      await eventually("bob knows that she has signed out", async () => {
        const devices = (await bob.crypto.getUserDeviceInfo([alice()])).get(alice());
        return devices?.size === 1 && devices.has(dehydrated.deviceId);
      });
      const { client } = bob;
      await client.sendMessage(roomId, { msgtype: MsgType.Text, body: "Where is she?" });
      await safe.signIn(page, {
        baseUrl: on.here.baseUrl,
        username: "alice",
        password: "Alice-Secret-1",
      });
      await chat.openRoom(page, ROOM);
      await safe.waitForUnreadable(page);
      await safe.unlock(page, recoveryKey);
      await chat.waitForMessage(page, "Where is she?", 60_000);
      await says(bob, "There you are.");
      expect(on.alice.errors).toEqual([]);
    });
  },
);
