/** Requests with an application service's token. (Application service API, "Identity assertion".) */
import { atMost, LRUCache } from "../platform/caches.ts";
import type { Log } from "../log/types.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import { errors, matrixError } from "../protocol/errors.ts";
import { isUserId, type UserId } from "../protocol/identifiers.ts";
import type { OwnRate, Requester, Restriction, SeenDevice, Visit } from "../users/common/types.ts";
import type { Users } from "../users/users.ts";
import type { Registration } from "./registration.ts";
import type { Services } from "./services.ts";

/** As whom a service asks to act. */
interface Role {
  readonly userId?: string | undefined;
  readonly deviceId?: string | undefined;
}

export interface Masquerade {
  /**
   * The requester of a request with a service's token, as the user and the device that it names;
   * undefined for any other token. From memory as a rule, without a promise.
   * @throws MatrixError M_FORBIDDEN 403 for a user that is not the service's or not there,
   * M_USER_DEACTIVATED 403, M_UNKNOWN_DEVICE 400
   */
  byServiceToken(
    token: string,
    role: Role,
    visit: Visit,
  ): Requester | Promise<Requester> | undefined;
  /** Calls with the id of each service that asks for something. */
  onSeen(listener: (service: string) => void): () => void;
  stop(): void;
}

/** What is known of a user that services act as. */
interface KnownUser {
  readonly isAdmin: boolean;
  readonly deactivated: boolean;
  readonly restriction: Restriction | undefined;
  readonly rate: OwnRate | undefined;
  readonly isShadowBanned: boolean;
  /** Devices that the user has, some or all. */
  readonly devices: Map<string, SeenDevice>;
}

const KNOWN_USERS = 20_000;
/** The bound on what is believed when another replica's word of a change is lost. */
const BELIEVED_MS = 60_000;
const MAX_DEVICES = 200;

export function createMasquerade(deps: {
  readonly services: Services;
  readonly users: Pick<Users, "accounts" | "devices" | "sessions">;
  readonly log: Pick<Log, "follow">;
}): Masquerade {
  const { services, users } = deps;
  const known = new LRUCache<UserId, KnownUser>({ ...atMost(KNOWN_USERS), ttl: BELIEVED_MS });
  const lookUps = createSingleFlight<string, KnownUser | undefined>();
  const listeners = new Set<(service: string) => void>();
  /** Rises with each change of users: what was read before is not remembered. */
  let epoch = 0;
  const unfollow = deps.log.follow({
    phase: "caches",
    kinds: ["session", "device_list"],
    take(records) {
      epoch += 1;
      for (const { userId } of records) known.delete(userId as UserId);
    },
  });

  async function find(userId: UserId): Promise<KnownUser | undefined> {
    const readAt = epoch;
    const account = await users.accounts.find(userId);
    if (account === undefined) return undefined;
    const { isAdmin, deactivated, restriction, rate, isShadowBanned } = account;
    const facts = { isAdmin, deactivated, restriction, rate, isShadowBanned };
    const found: KnownUser = { ...facts, devices: new Map() };
    if (readAt === epoch) known.set(userId, found);
    return found;
  }

  async function hasDevice(user: KnownUser, userId: UserId, deviceId: string): Promise<boolean> {
    if (user.devices.has(deviceId)) return true;
    if (!(await users.devices.exists(userId, deviceId))) return false;
    if (user.devices.size < MAX_DEVICES) {
      user.devices.set(deviceId, { userId, deviceId, seenTs: 0, seenIp: "" });
    }
    return true;
  }

  function requesterOf(
    { id, sender, isRateLimited, tokenHash }: Registration,
    { isAdmin, deactivated, restriction, rate, isShadowBanned, devices }: KnownUser,
    { userId, deviceId }: { readonly userId: UserId; readonly deviceId: string },
    visit: Visit,
  ): Requester {
    if (deactivated) throw matrixError("M_USER_DEACTIVATED", "That account is closed");
    const device = devices.get(deviceId);
    if (device) users.sessions.seen(device, visit);
    const isLimited = isRateLimited && userId !== sender;
    const service = { id, isRateLimited: isLimited };
    const who = { userId, deviceId, isAdmin, restriction, rate, isShadowBanned };
    return { ...who, isGuest: false, tokenHash, service };
  }

  return {
    byServiceToken(token, role, visit) {
      const service = services.byToken(token);
      if (service === undefined) return undefined;
      for (const listener of listeners) listener(service.id);
      const userId = role.userId ?? service.sender;
      if (!isUserId(userId) || !services.controls(service, userId)) {
        throw errors.forbidden("That user is not one of the application service's");
      }
      const who = { userId, deviceId: role.deviceId ?? "" };
      const user = known.get(userId);
      if (user && (who.deviceId === "" || user.devices.has(who.deviceId))) {
        return requesterOf(service, user, who, visit);
      }
      return lookUp(service, user, who, visit);
    },
    onSeen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: unfollow,
  };

  async function lookUp(
    service: Registration,
    before: KnownUser | undefined,
    who: { readonly userId: UserId; readonly deviceId: string },
    visit: Visit,
  ): Promise<Requester> {
    const { userId, deviceId } = who;
    const user = before ?? (await lookUps.run(userId, () => find(userId)));
    if (user === undefined) {
      throw errors.forbidden("The application service has not registered that user");
    }
    if (deviceId !== "" && !(await hasDevice(user, userId, deviceId))) {
      throw matrixError("M_UNKNOWN_DEVICE", "The user has no such device");
    }
    return requesterOf(service, user, who, visit);
  }
}
