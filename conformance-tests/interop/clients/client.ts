import type { Subject } from "../../harness/subject.ts";
import { eventually, must } from "../../harness/must.ts";
import { logIn, registerUser, type User } from "../../harness/users.ts";
import { type CryptoDevice, openCryptoDevice } from "../crypto-device.ts";
import { ENCRYPTED } from "../rows/encryption.ts";
import { queryKeys } from "../keys.ts";

/** A client that others wrote, as it is in its registry. */
export interface Client {
  /** With its version. */
  readonly name: string;
  /** What it does in the story. */
  readonly does: string;
  /** Fails where it does not. The folder is its own, and empty. */
  story(subject: Subject, folder: string): Promise<void>;
}

/** Somebody with the Rust crypto of the web's clients, and an encrypted room that the client's user is invited to. */
export interface Scene {
  /** Whose client is tried. */
  readonly user: User;
  readonly owner: User;
  readonly roomId: string;
  invite(): Promise<void>;
  /** The owner's device says it in the room, encrypted for both; the event's id. */
  say(text: string): Promise<string>;
  /** Waits for a message of the user in the room whose text, once it is decrypted, fits. */
  hear(fits: (text: string) => boolean): Promise<string>;
}

/** With `invited` false the user is invited by `Scene.invite`. */
export async function setScene(
  subject: Subject,
  name: string,
  { invited = true, version = "12" } = {},
): Promise<Scene> {
  const user = await registerUser(subject, name);
  const owner = await registerUser(subject, "owner");
  const roomId = await owner.createRoom({
    ...{ preset: "private_chat", name: `The box of ${name}`, room_version: version },
    ...{ invite: invited ? [user.userId] : [], initial_state: ENCRYPTED },
  });
  const device: CryptoDevice = await openCryptoDevice(await logIn(owner));
  return {
    ...{ user, owner, roomId },
    invite: () => owner.invite(roomId, user.userId),
    async say(text) {
      await eventually(`${user.userId} has keys`, async () => {
        const { devices } = await queryKeys(owner, user.userId);
        return Object.keys(devices).length > 0;
      });
      return device.say(roomId, [owner.userId, user.userId], text);
    },
    hear: (fits) =>
      eventually(
        `a message of ${name}`,
        async () => {
          const { chunk } = await owner.call("getRoomEvents", {
            path: { roomId },
            query: { dir: "b", limit: 30 },
          });
          const sealed = chunk.filter(
            ({ sender, type }) => sender === user.userId && type === "m.room.encrypted",
          );
          for (const { event_id: eventId } of sealed) {
            const text = await device.read(roomId, eventId);
            if (fits(text)) return text;
          }
          return undefined;
        },
        60_000,
      ),
  };
}

/** Waits until the user of the client is in the room. */
export async function hasJoined({ owner, user, roomId }: Scene): Promise<void> {
  await eventually(
    `${user.userId} joins`,
    async () => {
      const member = await owner.getState(roomId, "m.room.member", user.userId);
      return member["membership"] === "join";
    },
    60_000,
  );
}

/** Waits until nothing of the user is signed in but the session of its registration. */
export async function hasSignedOut({ user }: Scene): Promise<void> {
  const { devices } = await user.call("getDevices", {});
  must(
    devices.length === 1 && devices[0]?.device_id === user.deviceId,
    `it is still signed in: ${JSON.stringify(devices)}`,
  );
}
