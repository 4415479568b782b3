/** Keys of users that a test changes, and a server that follows them as Synapse does. */
import type { JsonObject } from "../../src/protocol/json.ts";
import type { UserId } from "../../src/protocol/identifiers.ts";
import type { PublicKeys } from "../../src/sender/index.ts";
import type { Sql } from "../../src/storage/sql.ts";
import type { TestServer } from "../rooms/support/world.ts";

/** Users whose devices have neither keys nor names. */
export const NO_KEYS: PublicKeys = {
  devices: async (wanted) => wanted,
  signingKeys: async (userIds) => userIds.map((userId) => ({ userId })),
};

/** The same database; each statement is counted. */
export function counting(sql: Sql): { sql: Sql; count: () => number } {
  let count = 0;
  const counted = new Proxy(sql, {
    apply(target, self, args: never) {
      // Fragments and lists are no statements: those begin with a verb.
      const [first] = (args[0] as { raw?: readonly string[] }).raw ?? [];
      if (/^\s*(WITH|SELECT|INSERT|UPDATE|DELETE)/.test(first ?? "")) count += 1;
      return Reflect.apply(target, self, args);
    },
  });
  return { sql: counted, count: () => count };
}

/** The devices of a server's users; what changes is told by the log. */
export function deviceStore(server: TestServer) {
  const users = new Map<string, Map<string, string>>();
  const masterKeys = new Map<string, string>();
  const newest = new Map<string, number>();

  async function changed(userId: string, deviceId: string, isRemoved: boolean): Promise<number> {
    const record = { kind: "device_list", userId, deviceId, isRemoved } as const;
    const { position } = await server.log.append({ records: [record] });
    if (deviceId !== "") newest.set(userId, Math.max(newest.get(userId) ?? 0, position));
    return position;
  }

  const keys: PublicKeys = {
    devices: async (wanted) =>
      wanted.flatMap(({ userId, deviceId }) => {
        const displayName = users.get(userId)?.get(deviceId);
        return displayName === undefined
          ? []
          : [{ userId, deviceId, displayName, keys: { device_id: deviceId } }];
      }),
    signingKeys: async (userIds) =>
      userIds.map((userId) => {
        const key = masterKeys.get(userId);
        return { userId, masterKey: key === undefined ? undefined : { keys: { key } } };
      }),
  };
  return {
    keys,
    devices: (userId: string) => users.get(userId) ?? new Map<string, string>(),
    masterKey: (userId: string) => masterKeys.get(userId),
    /** `stream_id` of GET /user/devices. */
    streamId: (userId: string) => newest.get(userId),
    /** Resolves to the change's position. */
    set(userId: string, deviceId: string, name: string): Promise<number> {
      const devices = users.get(userId) ?? new Map<string, string>();
      users.set(userId, devices.set(deviceId, name));
      return changed(userId, deviceId, false);
    },
    remove(userId: string, deviceId: string): Promise<number> {
      users.get(userId)?.delete(deviceId);
      return changed(userId, deviceId, true);
    },
    setMasterKey(userId: string, key: string): Promise<number> {
      masterKeys.set(userId, key);
      return changed(userId, "", false);
    },
  };
}

/** Another server's copy of our users' devices: it looks up all of them as Synapse does. */
export function listFollower(store: ReturnType<typeof deviceStore>) {
  interface List {
    devices: Map<string, string>;
    masterKey: string | undefined;
    extremity: number | undefined;
    seen: Set<number>;
  }
  const lists = new Map<string, List>();
  let resyncs = 0;

  function lookUp(userId: UserId | string): void {
    resyncs += 1;
    const extremity = store.streamId(userId);
    lists.set(userId, {
      devices: new Map(store.devices(userId)),
      masterKey: store.masterKey(userId),
      extremity,
      seen: new Set(extremity === undefined ? [] : [extremity]),
    });
  }

  return {
    lookUp,
    forget: (userId: string) => void lists.delete(userId),
    devices: (userId: string) => lists.get(userId)?.devices,
    masterKey: (userId: string) => lists.get(userId)?.masterKey,
    resyncs: () => resyncs,
    take({ edu_type, content }: JsonObject): void {
      const update = content as JsonObject;
      const userId = update.user_id as string;
      const list = lists.get(userId);
      if (edu_type === "m.signing_key_update") {
        const key = (update.master_key as { keys: { key: string } }).keys.key;
        if (list) list.masterKey = key;
      }
      if (edu_type !== "m.device_list_update") return;
      const previous = update.prev_id as number[];
      const isKnown = (id: number) => id === list?.extremity || list?.seen.has(id) === true;
      if (!list || previous.length === 0 || !previous.every(isKnown)) return lookUp(userId);
      const deviceId = update.device_id as string;
      if (update.deleted === true) list.devices.delete(deviceId);
      else list.devices.set(deviceId, update.device_display_name as string);
      list.extremity = update.stream_id as number;
      list.seen.add(list.extremity);
    },
  };
}
