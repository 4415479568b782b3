import type { DeviceStatement, PresenceValue } from "../cluster/ephemeral-channel.ts";
import type { Clock } from "../platform/clock.ts";
import type { UserId } from "../protocol/identifiers.ts";

/**
 * A device's last presence state. It is repeated with every sync, so the same object is updated.
 */
interface DevicePresence {
  presence: PresenceValue;
  /** ms since 1970. */
  until: number;
  /**
   * Until when it is valid according to what the other replicas were sent; 0: it came from one of
   * them.
   */
  announcedUntil: number;
}

/** The other replicas are updated when the state is valid this much longer than they know. */
const ANNOUNCE_AGAIN_MS = 15_000;
/** Limit on devices per user; of more, the one that expires first is dropped. */
const MAX_DEVICES = 200;

/** Presence states of local users' devices, while they are valid. */
export function createDevicePresences(
  clock: Clock,
  announce: (statement: DeviceStatement) => void,
) {
  const users = new Map<UserId, Map<string, DevicePresence>>();

  function keep(
    { userId, deviceId, presence }: DeviceStatement,
    until: number,
    announcedUntil: number,
  ) {
    let devices = users.get(userId);
    if (presence === "offline") {
      devices?.delete(deviceId);
      if (devices?.size === 0) users.delete(userId);
      return;
    }
    if (!devices) users.set(userId, (devices = new Map()));
    const known = devices.get(deviceId);
    if (known) {
      known.presence = presence;
      known.until = until;
      known.announcedUntil = announcedUntil;
    } else {
      if (devices.size >= MAX_DEVICES) devices.delete(shortest(devices));
      devices.set(deviceId, { presence, until, announcedUntil });
    }
  }

  return {
    /**
     * A device sets its state on this replica. When it is unchanged, the longer validity counts.
     */
    set(statement: DeviceStatement): void {
      const { userId, deviceId, presence, ms } = statement;
      const before = users.get(userId)?.get(deviceId);
      const isSame = before?.presence === presence;
      if (before === undefined && presence === "offline") return;
      const until = Math.max(clock.now() + ms, isSame ? before.until : 0);
      const isNews = !isSame || until - before.announcedUntil > ANNOUNCE_AGAIN_MS;
      keep(statement, until, isNews ? until : before.announcedUntil);
      if (isNews) announce({ ...statement, ms: until - clock.now() });
    },

    /** A state from another replica. */
    receive(statement: DeviceStatement): void {
      keep(statement, clock.now() + statement.ms, 0);
    },

    /**
     * The best state of the user's devices: one active device outweighs the idle ones.
     * ("Presence".)
     */
    of(userId: UserId): PresenceValue {
      const devices = users.get(userId);
      if (!devices) return "offline";
      const now = clock.now();
      let found: PresenceValue = "offline";
      for (const { presence, until } of devices.values()) {
        if (until <= now) continue;
        if (presence === "online") return "online";
        found = "unavailable";
      }
      return found;
    },

    /** Whether a device of the user set a state on this replica. */
    isOwn(userId: UserId): boolean {
      return [...(users.get(userId)?.values() ?? [])].some(
        ({ announcedUntil }) => announcedUntil > 0,
      );
    },

    /** Users with states that were valid a while ago; expired states are removed. */
    *swept(): Iterable<UserId> {
      const now = clock.now();
      for (const [userId, devices] of users) {
        for (const [deviceId, { until }] of devices) if (until <= now) devices.delete(deviceId);
        if (devices.size === 0) users.delete(userId);
        yield userId;
      }
    },
  };
}

/** The device whose state expires first. */
function shortest(devices: ReadonlyMap<string, DevicePresence>): string {
  let [found, least] = ["", Infinity];
  for (const [deviceId, { until }] of devices) {
    if (until < least) [found, least] = [deviceId, until];
  }
  return found;
}
