import type { DeviceStatement, PresenceValue } from "../cluster/ephemeral-channel.ts";
import type { Clock } from "../platform/clock.ts";
import type { UserId } from "../protocol/identifiers.ts";

/** What a device said last. It says so with each of its syncs: the same object takes it in. */
interface DevicePresence {
  presence: PresenceValue;
  /** ms since 1970. */
  until: number;
  /** Until when it counts as the other replicas know; 0: it was they who told it. */
  announcedUntil: number;
}

/** The other replicas are told again when what a device said counts for so much longer than they know. */
const ANNOUNCE_AGAIN_MS = 15_000;
/** Devices of a user that count; of more, the one that counts for the shortest time goes. */
const MAX_DEVICES = 200;

/** What the devices of local users say of themselves, for as long as it counts. */
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
    /** A device says so here. Of the same presence what counts longer stays. */
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

    /** Another replica tells. */
    receive(statement: DeviceStatement): void {
      keep(statement, clock.now() + statement.ms, 0);
    },

    /** The best of what the user's devices say: one that is used makes up for all that are not. ("Presence".) */
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

    /** Whether a device of the user said something here. */
    isOwn(userId: UserId): boolean {
      return [...(users.get(userId)?.values() ?? [])].some(
        ({ announcedUntil }) => announcedUntil > 0,
      );
    },

    /** Users of whom a device said something that counted a while ago; what counts no more goes. */
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

/** The device whose word ends first. */
function shortest(devices: ReadonlyMap<string, DevicePresence>): string {
  let [found, least] = ["", Infinity];
  for (const [deviceId, { until }] of devices) {
    if (until < least) [found, least] = [deviceId, until];
  }
  return found;
}
