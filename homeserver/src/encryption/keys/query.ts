import { errors, type MatrixError, matrixError } from "../../protocol/errors.ts";
import { type ServerName, serverOf, type UserId } from "../../protocol/identifiers.ts";
import type { KeyQueries } from "../../users/keys/queries.ts";
import type { ListReader, Wanted } from "../device-lists/list-reader.ts";
import type { RemoteDevice, RemoteList } from "../device-lists/remote-keys.ts";
import type { KnownList, RemoteLists } from "../device-lists/remote-lists.ts";
import type { ServerPoll } from "./ask-servers.ts";
import type { EncryptionKeys } from "./types.ts";

type Lists = ReadonlyMap<UserId, RemoteList>;

/** Keys of other servers' users in one answer, UTF-16 units of JSON. */
const MAX_ANSWER = 32 * 1024 * 1024;

export interface KeyQueryDeps {
  readonly localKeys: KeyQueries;
  readonly lists: RemoteLists;
  readonly reader: ListReader;
  readonly poll: ServerPoll;
  readonly serverName: ServerName;
}

/** POST /keys/query over all servers. */
export function createKeyQuery(deps: KeyQueryDeps): EncryptionKeys["query"] {
  const { localKeys, lists, reader, poll, serverName } = deps;

  /** Lists of other servers' users: from what is stored where that is right, or as they tell. */
  async function remoteLists(
    wanted: ReadonlyMap<UserId, readonly string[]>,
    timeoutMs: number | undefined,
  ) {
    const found = new Map<UserId, RemoteList>();
    const userIds = [...wanted.keys()];
    if (userIds.length === 0) return { found, failures: new Map<ServerName, MatrixError>() };
    const known = await lists.look(userIds);
    const room = createRoom();
    const fresh = userIds.filter((userId) => known.get(userId)!.isFresh);
    const others = userIds.filter((userId) => !known.get(userId)!.isFresh);
    for (const [userId, list] of await room.load(lists, fresh)) found.set(userId, list);
    const resting = others.filter((userId) => known.get(userId)!.isResting);
    const asked = others.filter((userId) => !known.get(userId)!.isResting);
    const byServer = Map.groupBy(asked, serverOf);
    const options = { timeoutMs, known: serversOfShared(known) };
    const failures = await poll.ask(byServer.keys(), options, async (server) => {
      const users = byServer.get(server)!.map((userId) => wantedOf(userId, wanted, known));
      const { lists: read, error } = await reader.read(server, users);
      const fitting = [...read].filter(([, list]) => room.has(list));
      for (const [userId, list] of fitting) found.set(userId, list);
      if (error !== undefined) throw error;
      if (fitting.length < read.size) throw tooMuch();
    });
    // A client that asks once more gets what is newer; until then it has what was right before.
    const missing = others.filter((userId) => !found.has(userId) && known.get(userId)!.wasRead);
    const before = missing.filter((userId) => known.get(userId)!.isShared);
    for (const [userId, list] of await room.load(lists, before)) found.set(userId, list);
    for (const userId of fresh) if (!found.has(userId)) failures.set(serverOf(userId), tooMuch());
    for (const userId of resting) failures.set(serverOf(userId), unreadable(userId));
    return { found, failures };
  }

  return async (asker, { wanted, timeoutMs }) => {
    const isLocal = (userId: UserId) => serverOf(userId) === serverName;
    const { local = [], remote = [] } = Object.groupBy([...wanted], ([userId]) =>
      isLocal(userId) ? "local" : "remote",
    );
    const [ours, theirs] = await Promise.all([
      localKeys.query(asker, new Map(local)),
      remoteLists(new Map(remote), timeoutMs),
    ]);
    const told = asQueried(theirs.found, wanted);
    const masterKeys = await localKeys.withSignaturesOf(asker, told.masterKeys);
    return {
      deviceKeys: joined(ours.deviceKeys, told.deviceKeys),
      masterKeys: joined(ours.masterKeys, masterKeys),
      selfSigningKeys: joined(ours.selfSigningKeys, told.selfSigningKeys),
      userSigningKeys: ours.userSigningKeys,
      failures: ours.isCut ? theirs.failures.set(serverName, tooMuch()) : theirs.failures,
    };
  };
}

/** What an answer may still hold of other servers' lists. */
function createRoom() {
  let left = MAX_ANSWER;
  return {
    /** Takes the room that the list needs, if there is that much. */
    has(list: RemoteList): boolean {
      const size = sizeOf(list);
      if (size > left) return false;
      left -= size;
      return true;
    },
    /** Loads those that there is room for. */
    async load(lists: RemoteLists, userIds: readonly UserId[]): Promise<Lists> {
      const found = await lists.load(userIds, left);
      for (const list of found.values()) left -= sizeOf(list);
      return found;
    },
  };
}

function sizeOf({ devices, masterKey, selfSigningKey }: RemoteList): number {
  const ofKeys = (masterKey?.length ?? 0) + (selfSigningKey?.length ?? 0);
  return devices.reduce((sum, { keys }) => sum + keys.length, ofKeys);
}

function tooMuch(): MatrixError {
  return matrixError("M_TOO_LARGE", "The keys are too many for one answer: ask for fewer users");
}

function unreadable(userId: UserId): MatrixError {
  return errors.unknown(`The devices of ${userId} could not be read, time and again`, 502);
}

/** Servers of users with whom a room is shared. */
function serversOfShared(known: ReadonlyMap<UserId, KnownList>): Set<ServerName> {
  const shared = [...known].filter(([, { isShared }]) => isShared);
  return new Set(shared.map(([userId]) => serverOf(userId)));
}

function wantedOf(
  userId: UserId,
  wanted: ReadonlyMap<UserId, readonly string[]>,
  known: ReadonlyMap<UserId, KnownList>,
): Wanted {
  const { isShared, changes } = known.get(userId)!;
  return { userId, deviceIds: wanted.get(userId)!, isKept: isShared, changes };
}

function joined<T>(ours: ReadonlyMap<UserId, T>, theirs: ReadonlyMap<UserId, T>) {
  return theirs.size === 0 ? ours : new Map([...ours, ...theirs]);
}

/** Lists in the form of answers: of each user the devices that are wanted. */
function asQueried(lists: Lists, wanted: ReadonlyMap<UserId, readonly string[]>) {
  const deviceKeys = new Map<UserId, Map<string, string>>();
  const masterKeys = new Map<UserId, string>();
  const selfSigningKeys = new Map<UserId, string>();
  for (const [userId, { devices, masterKey, selfSigningKey }] of lists) {
    const only = new Set(wanted.get(userId));
    const own = devices.filter(({ deviceId }) => only.size === 0 || only.has(deviceId));
    deviceKeys.set(userId, new Map(own.map((device) => [device.deviceId, withName(device)])));
    if (masterKey !== null) masterKeys.set(userId, masterKey);
    if (selfSigningKey !== null) selfSigningKeys.set(userId, selfSigningKey);
  }
  return { deviceKeys, masterKeys, selfSigningKeys };
}

/** The text of a device's keys, which is not read again, with its name. */
function withName({ keys, displayName }: RemoteDevice): string {
  if (displayName === null) return keys;
  const unsigned = JSON.stringify({ device_display_name: displayName });
  return `${keys.slice(0, -1)},"unsigned":${unsigned}}`;
}
