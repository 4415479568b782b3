/** A user with devices and keys that change, and what everybody else should see of them. */
import type { JsonObject } from "../../../src/protocol/json.ts";
import { crossSigningKey, deviceOf, type Keys, signed } from "../../encryption/keys-of-others.ts";
import type { TestServer } from "../../support/server.ts";
import { type Body, register, type TestUser, userOf } from "../../support/user.ts";
import { eventually } from "../../support/wait.ts";

interface Device {
  readonly session: TestUser;
  readonly keys: Keys;
  name: string;
  /** The self-signing key that has signed it. */
  signedBy: Keys | undefined;
}

interface Identity {
  readonly master: Keys;
  readonly selfSigning: Keys;
  readonly userSigning: Keys;
}

/** More devices than this are not there at once. */
const MAX_DEVICES = 3;

export interface Account {
  readonly userId: string;
  readonly server: TestServer;
  /** Calls until it is answered, whatever is killed meanwhile; a refusal is answered, too. */
  ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }>;
  /** The body of an answer with 200; anything else is an error. */
  call(method: string, path: string, body?: unknown): Promise<Body>;
  /** How often something changed that others see. */
  readonly version: number;
  readonly masterKey: Keys | undefined;
  /** Where there are many devices, one goes instead. */
  addDevice(): Promise<void>;
  removeDevice(chance: number): Promise<void>;
  renameDevice(chance: number): Promise<void>;
  /** New cross-signing keys, the first of which need no password. */
  crossSign(): Promise<void>;
  /** A device is signed by the self-signing key. */
  signDevice(chance: number): Promise<void>;
  /** Nobody else is told that one signed somebody's master key. */
  signUser(other: Account): Promise<void>;
  /** What an answer to POST /keys/query has to say of the user, to anybody (`seenOf`). */
  expected(): string;
}

/** Registers somebody, who syncs with a device that has keys. */
export async function createAccount(server: TestServer, username: string): Promise<Account> {
  const password = `${username}-Secret-1`;
  const main = await register(server, username);
  const { userId } = main;
  const devices = new Map<string, Device>();
  let identity: Identity | undefined;
  let counter = 0;
  let version = 0;

  function ask(method: string, path: string, body?: unknown, by = main) {
    return eventually(`an answer to ${method} ${path}`, async () => {
      const answer = await by.ask(method, path, body).catch(() => undefined);
      // 502: another server can not be reached.
      const isRefused = answer !== undefined && (answer.status < 500 || answer.status === 502);
      return isRefused ? answer : undefined;
    });
  }

  async function call(method: string, path: string, body?: unknown, by = main): Promise<Body> {
    const { status, body: answer } = await ask(method, path, body, by);
    if (status === 200) return answer;
    throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
  }

  async function give(session: TestUser, name: string): Promise<void> {
    const keys = deviceOf(userId, session.deviceId);
    await call("POST", "/keys/upload", { device_keys: keys.object }, session);
    devices.set(session.deviceId, { session, keys, name, signedBy: undefined });
    version += 1;
  }

  /** A device besides that which syncs. */
  function anotherOf(chance: number): Device | undefined {
    const others = [...devices.values()].filter(({ session }) => session !== main);
    return others[chance % Math.max(others.length, 1)];
  }

  const account: Account = {
    userId,
    server,
    ask,
    call,
    get version(): number {
      return version;
    },
    get masterKey(): Keys | undefined {
      return identity?.master;
    },

    async addDevice(): Promise<void> {
      if (devices.size >= MAX_DEVICES) return account.removeDevice(0);
      counter += 1;
      const name = `device ${counter}`;
      const session = await call("POST", "/login", {
        type: "m.login.password",
        identifier: { type: "m.id.user", user: userId },
        ...{ password, device_id: `D${counter}`, initial_device_display_name: name },
      });
      await give(userOf(server, session), name);
    },

    async removeDevice(chance: number): Promise<void> {
      const device = anotherOf(chance);
      if (device === undefined) return;
      // It does not hold any more if it was ended by a request whose answer was lost.
      const { status } = await ask("POST", "/logout", {}, device.session);
      if (status !== 200 && status !== 401) throw new Error(`a logout was answered ${status}`);
      devices.delete(device.session.deviceId);
      version += 1;
    },

    async renameDevice(chance: number): Promise<void> {
      const device = [...devices.values()][chance % devices.size]!;
      const name = `name ${(counter += 1)}`;
      const path = `/devices/${device.session.deviceId}`;
      await call("PUT", path, { display_name: name });
      device.name = name;
      version += 1;
    },

    async crossSign(): Promise<void> {
      const master = crossSigningKey(userId, "master");
      const [selfSigning, userSigning] = ["self_signing", "user_signing"].map((usage) =>
        crossSigningKey(userId, usage, master),
      ) as [Keys, Keys];
      const keys = {
        master_key: master.object,
        self_signing_key: selfSigning.object,
        user_signing_key: userSigning.object,
      };
      const first = await ask("POST", "/keys/device_signing/upload", keys);
      if (first.status === 401) {
        const identifier = { type: "m.id.user", user: userId };
        const auth = { type: "m.login.password", identifier, password };
        const again = { ...keys, auth: { ...auth, session: first.body.session } };
        await call("POST", "/keys/device_signing/upload", again);
      }
      identity = { master, selfSigning, userSigning };
      version += 1;
    },

    async signDevice(chance: number): Promise<void> {
      if (identity === undefined) return account.crossSign();
      const [deviceId, device] = [...devices][chance % devices.size]!;
      const { selfSigning } = identity;
      if (device.signedBy === selfSigning) return;
      const body = {
        [userId]: { [deviceId]: withSignature(device.keys.object, userId, selfSigning) },
      };
      await upload(body);
      device.signedBy = selfSigning;
      version += 1;
    },

    async signUser(other: Account): Promise<void> {
      const { masterKey } = other;
      if (identity === undefined || masterKey === undefined || other.userId === userId) return;
      const key = masterKey.key.publicKeyBase64;
      const object = withSignature(masterKey.object, userId, identity.userSigning);
      await ask("POST", "/keys/signatures/upload", { [other.userId]: { [key]: object } });
    },

    expected(): string {
      const own = [...devices].map(([deviceId, { keys, name, signedBy }]) => {
        const isSigned = signedBy !== undefined && signedBy === identity?.selfSigning;
        const object = isSigned ? withSignature(keys.object, userId, signedBy) : keys.object;
        return [deviceId, { ...object, unsigned: { device_display_name: name } }] as const;
      });
      return seenOf(userId, {
        device_keys: { [userId]: Object.fromEntries(own) },
        ...(identity && {
          master_keys: { [userId]: identity.master.object },
          self_signing_keys: { [userId]: identity.selfSigning.object },
        }),
      });
    },
  };

  async function upload(body: JsonObject): Promise<void> {
    const { failures } = await call("POST", "/keys/signatures/upload", body);
    if (Object.keys(failures ?? {}).length > 0) throw new Error(JSON.stringify(failures));
  }

  await give(main, "");
  await account.renameDevice(0);
  return account;
}

function withSignature(object: JsonObject, by: string, { key }: Keys): JsonObject {
  const { signatures: before, ...body } = object;
  const { signatures } = signed(body, by, { [`ed25519:${key.publicKeyBase64}`]: key });
  const all = before as Record<string, object> | undefined;
  const own = (signatures as Record<string, object>)[by];
  return { ...body, signatures: { ...all, [by]: { ...all?.[by], ...own } } } as JsonObject;
}

/**
 * What an answer to POST /keys/query says of a user, in one text: ids, keys, names, and which of
 * the present keys have signed.
 */
export function seenOf(userId: string, answer: Body): string {
  const [master, selfSigning] = [answer.master_keys, answer.self_signing_keys].map((keys) =>
    Object.values((keys?.[userId]?.keys ?? {}) as object).join(),
  );
  const devices = Object.entries<Body>(answer.device_keys?.[userId] ?? {}).map(
    ([deviceId, { keys, signatures, unsigned }]) => {
      const isSigned = signatures?.[userId]?.[`ed25519:${selfSigning}`] !== undefined;
      const name = unsigned?.device_display_name;
      return [deviceId, keys[`ed25519:${deviceId}`], name, isSigned].join(" ");
    },
  );
  return [`master ${master}`, `self-signing ${selfSigning}`, ...devices.toSorted()].join("\n");
}
