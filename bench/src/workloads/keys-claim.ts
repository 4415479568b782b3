import { type Connection, createConnection, requestText } from "../load/connection.ts";
import { parallel } from "../load/parallel.ts";
import { createApi } from "../matrix/api.ts";
import { type Device, uploadDevice, uploadOneTimeKeys } from "../matrix/keys.ts";
import { type User, registerUsers } from "../matrix/users.ts";
import { type Workload, loopFigures, measuredLoop } from "./workload.ts";

const CLIENTS = 50;
const DEVICES = 200;
/** What clients keep on the server is about half of it. */
const KEYS_OF_A_DEVICE = 200;

/** One key of one device in each claim, as when somebody writes to a new contact; the clients go round the devices. */
export const keysClaim: Workload = {
  name: "keys-claim",
  about: "50 clients claim one-time keys of 200 devices, one key at a time",
  async run(context) {
    const { target, settings, say } = context;
    const api = createApi(target.url);
    const clients = settings.clients || CLIENTS;
    const [askers, owners] = [await registerUsers(api, clients), await registerUsers(api, DEVICES)];
    const devices = await parallel(owners, 8, async (user) => {
      const device = await uploadDevice(api, user);
      await uploadOneTimeKeys(api, device, KEYS_OF_A_DEVICE);
      return device;
    });
    say(`keys-claim: ${DEVICES * KEYS_OF_A_DEVICE} keys are there`);
    const lanes = askers.map((user) => ({ user, connection: createConnection(target.url) }));
    const claimed = new Map<string, number>();
    let next = 0;
    const loop = await measuredLoop(context, {
      lanes: clients,
      async operate(lane) {
        if (next === DEVICES * KEYS_OF_A_DEVICE) return 0;
        const device = devices[next++ % DEVICES]!;
        const key = await claim(target.url, lanes[lane]!, device);
        const name = `${device.user.deviceId} ${key}`;
        claimed.set(name, (claimed.get(name) ?? 0) + 1);
        return 1;
      },
    });
    for (const { connection } of lanes) connection.close();
    api.close();
    const twice = [...claimed.values()].filter((times) => times > 1).length;
    const wrong = twice === 0 ? undefined : `${twice} keys handed out twice`;
    const cell = `${clients} clients, ${DEVICES} devices`;
    const shared = { workload: "keys-claim", target: target.name, cell, unit: "claim" };
    return [{ ...shared, ...loopFigures(loop), wrong, note: "" }];
  },
};

interface Lane {
  readonly user: User;
  readonly connection: Connection;
}

/** @returns the key's id and value */
async function claim(url: URL, { user, connection }: Lane, { user: owner }: Device) {
  const wanted = { [owner.userId]: { [owner.deviceId]: "signed_curve25519" } };
  const body = JSON.stringify({ one_time_keys: wanted });
  const authorization = `Bearer ${user.token}`;
  const path = "/_matrix/client/v3/keys/claim";
  const reply = await connection.exchange(requestText(url, "POST", path, { authorization, body }));
  const text = reply.body.toString();
  if (reply.status !== 200) throw new Error(`claim: ${reply.status} ${text.slice(0, 200)}`);
  const keys = JSON.parse(text).one_time_keys?.[owner.userId]?.[owner.deviceId] ?? {};
  const [entry] = Object.entries(keys as Record<string, { key: string }>);
  if (entry === undefined) throw new Error(`no key: ${text.slice(0, 200)}`);
  return `${entry[0]} ${entry[1].key}`;
}
