/** What tells room versions apart for one who builds and checks events. ("Room versions".) */
export interface RoomVersion {
  readonly id: string;
  /** Versions 1 and 2 name events by hand and refer to them as [id, hashes]. */
  readonly namesEvents: boolean;
  readonly urlSafeIds: boolean;
  readonly protectsAliases: boolean;
  readonly protectsAllow: boolean;
  readonly protectsAuthorisingUser: boolean;
  /** Version 11's redaction: the create event whole, `redacts` within the content. */
  readonly redactsV11: boolean;
  /** Version 12: the room is named after its create event, and its creators outrank all. */
  readonly roomIsCreateEvent: boolean;
}

function roomVersionOf(number: number): RoomVersion {
  return {
    id: String(number),
    namesEvents: number <= 2,
    urlSafeIds: number >= 4,
    protectsAliases: number <= 5,
    protectsAllow: number >= 8,
    protectsAuthorisingUser: number >= 9,
    redactsV11: number >= 11,
    roomIsCreateEvent: number >= 12,
  };
}

export const roomVersions: readonly RoomVersion[] = Array.from({ length: 12 }, (_, index) =>
  roomVersionOf(index + 1),
);

export function roomVersion(id: string): RoomVersion {
  const found = roomVersions.find((version) => version.id === id);
  if (found === undefined) throw new Error(`this suite does not know room version ${id}`);
  return found;
}
