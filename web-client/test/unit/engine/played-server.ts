import { ApiError } from "../../../src/api/errors.ts";
import { challengeIn } from "../../../src/api/auth.ts";
import { NeedsProof } from "../../../src/api/uia.ts";
import type { Content } from "../../../src/api/types.ts";
import type { Host, ServerRequest, SyncChanges } from "../../../src/encryption/protocol.ts";

type Table<T> = Record<string, T>;

interface DeviceOnServer {
  keys?: Content;
  oneTime: [string, unknown][];
  fallback: Table<unknown>;
  inbox: Content[];
  /** Whose keys have changed since this device last heard. */
  changed: Set<string>;
}

interface UserOnServer {
  devices: Map<string, DeviceOnServer>;
  master?: Content;
  selfSigning?: Content;
  userSigning?: Content;
  accountData: Map<string, Content>;
  /** The id of the dehydrated device, which is one of the devices, and its sealed data. */
  dehydrated?: { device_id: string; device_data: Content };
  backups: Map<string, { info: Content; keys: Table<Table<Content>>; deleted: boolean }>;
}

const notFound = (): ApiError => new ApiError(404, { errcode: "M_NOT_FOUND" });

function merge(target: Content | undefined, signed: Content): void {
  if (target === undefined) return;
  const known = (target["signatures"] ?? {}) as Table<Table<unknown>>;
  for (const [user, all] of Object.entries((signed["signatures"] ?? {}) as Table<Table<unknown>>)) {
    known[user] = { ...known[user], ...all };
  }
  target["signatures"] = known as Content;
}

/**
 * The part of a homeserver that only keeps and hands on what engines give it, for several users. Where a test needs
 * the real rules, `homeserver/test/peers` runs the client against the real server.
 */
export function createPlayedServer() {
  const users = new Map<string, UserOnServer>();
  const asked: string[] = [];
  /** Makes the requests fail whose method and path begin so. */
  const broken = new Set<string>();
  let events = 0;
  let password: string | undefined;

  const user = (id: string): UserOnServer => {
    const known = users.get(id) ?? {
      devices: new Map(),
      accountData: new Map(),
      backups: new Map(),
    };
    users.set(id, known);
    return known;
  };
  const device = (id: string, deviceId: string): DeviceOnServer => {
    const { devices } = user(id);
    const known = devices.get(deviceId) ?? {
      oneTime: [],
      fallback: {},
      inbox: [],
      changed: new Set<string>(),
    };
    devices.set(deviceId, known);
    return known;
  };

  function noteChange(userId: string): void {
    for (const { devices } of users.values()) {
      for (const { changed } of devices.values()) changed.add(userId);
    }
  }

  function upload(userId: string, me: DeviceOnServer, body: Content): unknown {
    if (body["device_keys"] !== undefined) {
      me.keys = body["device_keys"] as Content;
      noteChange(userId);
    }
    me.oneTime.push(...Object.entries((body["one_time_keys"] ?? {}) as Content));
    Object.assign(me.fallback, body["fallback_keys"]);
    return { one_time_key_counts: { signed_curve25519: me.oneTime.length } };
  }

  function query(asker: string, body: Content): unknown {
    const answer = {
      device_keys: {} as Table<Table<unknown>>,
      master_keys: {} as Content,
      self_signing_keys: {} as Content,
      user_signing_keys: {} as Content,
      failures: {},
    };
    for (const id of Object.keys(body["device_keys"] as Content)) {
      const known = user(id);
      answer.device_keys[id] = Object.fromEntries(
        [...known.devices].flatMap(([deviceId, { keys }]) => (keys ? [[deviceId, keys]] : [])),
      );
      if (known.master) answer.master_keys[id] = known.master;
      if (known.selfSigning) answer.self_signing_keys[id] = known.selfSigning;
      if (known.userSigning && id === asker) answer.user_signing_keys[id] = known.userSigning;
    }
    return answer;
  }

  function claim(body: Content): unknown {
    const found: Table<Table<Content>> = {};
    for (const [id, wanted] of Object.entries(body["one_time_keys"] as Table<Content>)) {
      for (const deviceId of Object.keys(wanted)) {
        const owner = device(id, deviceId);
        const key = owner.oneTime.shift() ?? Object.entries(owner.fallback)[0];
        if (key !== undefined) (found[id] ??= {})[deviceId] = { [key[0]]: key[1] as Content };
      }
    }
    return { one_time_keys: found, failures: {} };
  }

  function sendToDevice(sender: string, type: string, body: Content): unknown {
    for (const [id, all] of Object.entries(body["messages"] as Table<Table<Content>>)) {
      for (const [deviceId, content] of Object.entries(all)) {
        const to = deviceId === "*" ? [...user(id).devices.keys()] : [deviceId];
        for (const one of to) device(id, one).inbox.push({ sender, type, content });
      }
    }
    return {};
  }

  function sign(body: Content): unknown {
    for (const [id, all] of Object.entries(body as Table<Table<Content>>)) {
      const known = user(id);
      for (const [keyId, signed] of Object.entries(all)) {
        merge(known.devices.get(keyId)?.keys, signed);
        const isMaster = Object.values((known.master?.["keys"] ?? {}) as Content).includes(keyId);
        if (isMaster) merge(known.master, signed);
      }
      noteChange(id);
    }
    return { failures: {} };
  }

  function backup(me: UserOnServer, { method, path, query: search, body }: ServerRequest): unknown {
    const parts = path.split("/").slice(5).map(decodeURIComponent);
    const current = [...me.backups].findLast(([, { deleted }]) => !deleted);
    if (parts[0] === "version") {
      if (method === "POST") {
        const version = String(me.backups.size + 1);
        me.backups.set(version, { info: JSON.parse(body!) as Content, keys: {}, deleted: false });
        return { version };
      }
      const [version, known] =
        parts[1] === undefined ? (current ?? []) : [parts[1], me.backups.get(parts[1])];
      if (known === undefined) throw notFound();
      if (method === "DELETE") known.deleted = true;
      return { ...known.info, version, count: 0, etag: "0" };
    }
    const known = me.backups.get(search!["version"]!);
    if (known === undefined || known.deleted) throw notFound();
    if (method === "PUT") {
      if (current?.[0] !== search!["version"]) {
        throw new ApiError(403, {
          errcode: "M_WRONG_ROOM_KEYS_VERSION",
          current_version: current?.[0],
        });
      }
      const rooms = (JSON.parse(body!) as { rooms: Table<{ sessions: Table<Content> }> }).rooms;
      for (const [roomId, { sessions }] of Object.entries(rooms)) {
        Object.assign((known.keys[roomId] ??= {}), sessions);
      }
      return { count: 1, etag: "1" };
    }
    const session = known.keys[parts[1]!]?.[parts[2]!];
    if (session === undefined) throw notFound();
    return session;
  }

  function dehydrated(
    userId: string,
    method: string,
    rest: string,
    search: Table<string>,
    body: Content,
  ): unknown {
    const me = user(userId);
    if (method === "PUT") {
      if (me.dehydrated !== undefined) me.devices.delete(me.dehydrated.device_id);
      const id = body["device_id"] as string;
      me.dehydrated = { device_id: id, device_data: body["device_data"] as Content };
      upload(userId, device(userId, id), body);
      return { device_id: id };
    }
    if (me.dehydrated === undefined) throw notFound();
    if (rest === "") return me.dehydrated;
    const { inbox } = device(userId, me.dehydrated.device_id);
    // One at a time, so that pages are read to the end.
    const at = Number(search["from"] ?? 0);
    const events = inbox.slice(at, at + 1);
    return at + 1 < inbox.length ? { events, next_batch: String(at + 1) } : { events };
  }

  function answer(userId: string, deviceId: string, request: ServerRequest): unknown {
    const { method, path, body } = request;
    const place = path.replace("/_matrix/client/v3", "");
    asked.push(`${method} ${place}`);
    if ([...broken].some((start) => `${method} ${place}`.startsWith(start))) {
      throw new ApiError(502, {});
    }
    const me = user(userId);
    const content = body === undefined ? {} : (JSON.parse(body) as Content);
    const stored = /\/dehydrated_device(\/.*)?$/.exec(place);
    if (stored !== null) {
      return dehydrated(userId, method, stored[1] ?? "", request.query ?? {}, content);
    }
    if (place === "/keys/upload") return upload(userId, device(userId, deviceId), content);
    if (place === "/keys/query") return query(userId, content);
    if (place === "/keys/claim") return claim(content);
    if (place === "/keys/signatures/upload") return sign(content);
    if (place.startsWith("/sendToDevice/")) {
      return sendToDevice(userId, decodeURIComponent(place.split("/")[2]!), content);
    }
    if (place.startsWith("/room_keys/")) return backup(me, request);
    const type = /\/account_data\/(.+)$/.exec(place)?.[1];
    if (type === undefined) throw notFound();
    const name = decodeURIComponent(type);
    if (method === "PUT") {
      me.accountData.set(name, content);
      return {};
    }
    const known = me.accountData.get(name);
    if (known === undefined) throw notFound();
    return known;
  }

  function publish(userId: string, body: string, given: string | undefined): void {
    const keys = JSON.parse(body) as Table<Content>;
    const me = user(userId);
    if (me.master !== undefined && password !== undefined && given !== password) {
      const error = new ApiError(401, { flows: [{ stages: ["m.login.password"] }], session: "s" });
      if (challengeIn(error) !== undefined) throw new NeedsProof("m.login.password");
    }
    me.master = keys["master_key"]!;
    me.selfSigning = keys["self_signing_key"]!;
    me.userSigning = keys["user_signing_key"]!;
    noteChange(userId);
  }

  /** What waits for a device, as a sync brings it: how much, and the sections. */
  function changesFor(userId: string, deviceId: string): { count: number; changes: SyncChanges } {
    const own = device(userId, deviceId);
    const inbox = own.inbox.splice(0);
    const changed = [...own.changed];
    own.changed.clear();
    return {
      count: inbox.length + changed.length,
      changes: {
        toDevice: JSON.stringify(inbox),
        changed,
        left: [],
        counts: { signed_curve25519: own.oneTime.length },
        fallbacks: Object.keys(own.fallback).length > 0 ? ["signed_curve25519"] : [],
        isWhole: false,
        accountData: [],
      },
    };
  }

  /** What a page does for the engine of a device. What it sends to rooms goes into `rooms`. */
  function host(
    userId: string,
    deviceId: string,
    rooms: { roomId: string; event: Content }[] = [],
  ): Omit<Host, "tell"> {
    return {
      request: async (request) => JSON.stringify(answer(userId, deviceId, request)),
      publishIdentity: async (body, proofs) => publish(userId, body, proofs?.password?.password),
      async sendToRoom(roomId, type, content) {
        const event_id = `$${++events}`;
        const event = { event_id, type, sender: userId, origin_server_ts: Date.now() };
        rooms.push({ roomId, event: { ...event, content: JSON.parse(content) as Content } });
        return event_id;
      },
    };
  }

  return {
    asked,
    broken,
    user,
    device,
    host,
    changesFor,
    askPassword(wanted: string): void {
      password = wanted;
    },
  };
}
