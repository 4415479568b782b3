import { msg } from "@lit/localize";

/** What a permission lets one do, by its key in `m.room.power_levels`. */
export function permissionName(key: string): string {
  const names: Record<string, string> = {
    invite: msg("Invite people"),
    kick: msg("Remove people"),
    ban: msg("Ban people"),
    users_default: msg("The level of everyone without a role"),
    events_default: msg("Write messages"),
    "m.reaction": msg("React to messages"),
    redact: msg("Delete messages of others"),
    room: msg("Notify everyone with @room"),
    "m.room.pinned_events": msg("Pin messages"),
    "m.room.name": msg("Change the name"),
    "m.room.topic": msg("Change the topic"),
    "m.room.avatar": msg("Change the picture"),
    "m.room.canonical_alias": msg("Change the addresses and the listing"),
    "m.space.child": msg("Add and remove rooms of the space"),
    "m.room.join_rules": msg("Change who may join"),
    "m.room.history_visibility": msg("Change who may read the past"),
    "m.room.guest_access": msg("Let guests in"),
    "m.room.encryption": msg("Turn on encryption"),
    "m.room.server_acl": msg("Shut out servers"),
    "m.room.power_levels": msg("Change roles and permissions"),
    "m.room.tombstone": msg("Upgrade the room"),
    state_default: msg("Change everything else"),
  };
  return names[key] ?? key;
}
