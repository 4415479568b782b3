/** New names and avatars of this server's users, in the rooms that they are joined to. */
import { isDeepStrictEqual } from "node:util";
import { LogUnavailable, StaleHead } from "../../log/types.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { joinedRoomNids } from "../../storage/rooms/members.ts";
import { isStoreRefusing } from "../../storage/sql.ts";
import { addLocal } from "../commands/local-drafts.ts";
import type { LocalEvents } from "../commands/local-events.ts";
import type { RoomCommand } from "../commands/room-command.ts";
import { memberDraft } from "../records/member-events.ts";
import type { RoomStore } from "../state/store.ts";
import type { MemberProfiles, RoomMembers } from "../api/index.ts";
import { withoutServersPart } from "./member-content.ts";

export function createProfileChanges(
  store: RoomStore,
  local: LocalEvents,
  profiles: MemberProfiles,
): RoomMembers["profileChanged"] {
  return async (userId) => {
    let profile = await profiles.get(userId);
    for (let sent: typeof profile | undefined; !isDeepStrictEqual(sent, profile);) {
      const now = profile;
      const rooms = await store.registry.byNids(await joinedRoomNids(store.sql, userId));
      const outcomes = await Promise.allSettled(
        [...rooms.values()].map((room) =>
          local.run(room, (command) => updateMember(command, userId, now)),
        ),
      );
      // A room whose rules refuse the change keeps the old name; the other rooms still get the
      // new one. What the database refuses has to be tried again.
      for (const outcome of outcomes) {
        if (outcome.status === "rejected" && isTransient(outcome.reason)) throw outcome.reason;
      }
      sent = now;
      // If the profile was changed again meanwhile, perhaps on another replica, the rooms may now
      // have an older one.
      profile = await profiles.get(userId);
    }
  };
}

function isTransient(error: unknown): boolean {
  // A stale head after all attempts: other replicas keep writing to the room at this moment.
  return error instanceof LogUnavailable || error instanceof StaleHead || isStoreRefusing(error);
}

async function updateMember(
  command: RoomCommand,
  userId: UserId,
  profile: { displayname?: string; avatar_url?: string },
): Promise<void> {
  const present = (await command.stateEvent("m.room.member", userId))?.event.content;
  if (present?.membership !== "join") return;
  const {
    displayname: oldName,
    avatar_url: oldAvatar,
    reason: _reason,
    ...content
  } = withoutServersPart(present);
  if (oldName === profile.displayname && oldAvatar === profile.avatar_url) return;
  if (profile.displayname !== undefined) content.displayname = profile.displayname;
  if (profile.avatar_url !== undefined) content.avatar_url = profile.avatar_url;
  await addLocal(command, memberDraft(userId, userId, content));
}
