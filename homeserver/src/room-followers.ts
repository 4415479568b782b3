/** What follows the log to write to rooms, and to what users set for them. */
import type { Foundation } from "./foundation.ts";
import { createFollower, type FollowerOptions } from "./log/follow.ts";
import type { RecordKind } from "./log/types.ts";
import type { UserId } from "./protocol/identifiers.ts";
import { createUpgradeSettings, type Rooms } from "./rooms/index.ts";
import type { Users } from "./users/users.ts";

/** Each from a durable cursor, on one replica at a time. */
export function followForRooms(
  on: Foundation,
  opened: (() => unknown)[],
  { rooms, users }: { readonly rooms: Rooms; readonly users: Users },
): void {
  const { sql, log, clock, logger, leases } = on;
  const follow = <K extends RecordKind>(options: FollowerOptions<K>) => {
    const follower = createFollower({ log, sql, clock, logger, leases }, options);
    opened.push(() => follower.stop());
  };
  follow(upgrades(on, rooms, users));
  follow(profileChanges({ rooms, users }));
  // What is under way ends after the follower.
  opened.push(() => rooms.cascades.ended());
  follow(rooms.cascades.follower);
}

/** Completes upgrades that were cut off, and copies users' settings for a room to its successor. */
function upgrades(
  { config: { serverName } }: Foundation,
  { view, upgrades: begun }: Rooms,
  { roomSettings: settings }: Users,
): FollowerOptions<"event"> {
  const copySettings = createUpgradeSettings({ view, serverName, settings });
  return {
    ...{ name: "successions", kinds: ["event"], from: "end" },
    async handle(records) {
      await begun.tombstoned(records);
      await copySettings(records);
    },
  };
}

/**
 * Sends member events after a profile changed, also when the process that changed it stopped in
 * between.
 */
function profileChanges(layers: ProfileLayers): FollowerOptions<"profile"> {
  return {
    name: "profiles",
    kinds: ["profile"],
    from: "end",
    async handle(records) {
      const users = new Set(records.map(({ userId }) => userId as UserId));
      for (const userId of users) await showProfile(layers, userId);
    },
  };
}

interface ProfileLayers {
  readonly rooms: Pick<Rooms, "members">;
  readonly users: Pick<Users, "accounts">;
}

/** Shows a user's profile as it is now in their rooms, unless nobody is to get what they send. */
export async function showProfile({ rooms, users }: ProfileLayers, userId: UserId): Promise<void> {
  if ((await users.accounts.find(userId))?.isShadowBanned === true) return;
  await rooms.members.profileChanged(userId);
}
