import { eventually, mustEqual } from "../../harness/must.ts";
import { logIn } from "../../harness/users.ts";
import type { User } from "../../harness/users.ts";
import { memberBecomes } from "../compare.ts";
import { openCryptoDevice } from "../crypto-device.ts";
import { startEngine } from "../engines/engines.ts";
import type { Engine, EngineDevice } from "../engines/engines.ts";
import { queryKeys } from "../keys.ts";
import type { Lane } from "../lane.ts";
import type { Row } from "../row.ts";
import { ENCRYPTED } from "./encryption.ts";

/** Columns in which further engines take part; in the others they would say nothing more. */
const COLUMNS = new Set(["10", "12"]);
const TURNS = 3;

/** Engines that share no code with the Rust crypto of the web's clients, nor with one another. */
export function engineRows(engines: readonly Engine[]): Row[] {
  return engines.map((engine) => ({
    name: `${engine.name} in an encrypted room`,
    applies: ({ version }) => COLUMNS.has(version),
    patienceMs: 120_000,
    run: (lane) => together(lane, engine),
  }));
}

/** The engine on both servers and the Rust crypto on both: all four read what each of them says. */
async function together({ alice, bob, dave, erin, near, version }: Lane, engine: Engine) {
  const roomId = await alice.createRoom({
    preset: "public_chat",
    room_version: version,
    initial_state: ENCRYPTED,
  });
  for (const user of [bob, dave, erin]) {
    await user.join(roomId, [near.subject.serverName]);
    await memberBecomes(alice, roomId, user, "join");
    await memberBecomes(bob, roomId, user, "join");
  }
  const members = [alice, bob, dave, erin].map(({ userId }) => userId);
  const started: EngineDevice[] = [];
  try {
    const rust = [
      await openCryptoDevice(await logIn(alice)),
      await openCryptoDevice(await logIn(bob)),
    ];
    await bothKnow(
      [alice, bob],
      rust.map(({ user }) => user),
    );
    for (const user of [dave, erin]) {
      const device = await startEngine(engine, user, roomId);
      started.push(device);
      await bothKnow([alice, bob], [{ userId: user.userId, deviceId: device.deviceId }]);
    }
    const devices = [
      ...rust.map((device) => ({
        say: (text: string) => device.say(roomId, members, text),
        read: (eventId: string) => device.read(roomId, eventId),
      })),
      ...started,
    ];
    for (let turn = 0; turn < TURNS; turn++)
      for (const [number, writer] of devices.entries()) {
        const text = `device ${number} says ${turn}`;
        const eventId = await writer.say(text);
        for (const reader of devices)
          mustEqual(await reader.read(eventId), text, "what is decrypted");
      }
  } finally {
    for (const device of started) device.stop();
  }
}

/** Waits until each server answers its user with the keys of all these devices. */
async function bothKnow(
  users: readonly User[],
  devices: readonly { readonly userId: string; readonly deviceId: string }[],
): Promise<void> {
  for (const user of users)
    for (const { userId, deviceId } of devices)
      await eventually(`${user.userId} knows ${userId} ${deviceId}`, async () => {
        const found = await queryKeys(user, userId);
        return deviceId in found.devices;
      });
}
