/**
 * Room versions as data: each is its difference from the one before. Code asks a flag, never a
 * version's number.
 */

/**
 * What survives a redaction. `true`: the whole content; otherwise the kept keys, nested by "a.b".
 */
export interface RedactionRules {
  readonly topLevelKeys: readonly string[];
  readonly contentKeys: Readonly<Record<string, true | readonly string[]>>;
}

export interface RoomVersion {
  readonly id: string;
  readonly stable: true;

  // Format
  /** "opaque": `$local:server` in the PDU; otherwise the reference hash in that base64 alphabet. */
  readonly eventIdFormat: "opaque" | "base64" | "base64url";
  /** prev_events and auth_events are `[event id, {sha256}]` pairs. */
  readonly referencesArePairs: boolean;
  /** The create event has no room_id: the room's id is its hash. */
  readonly roomIdIsCreateHash: boolean;
  /** Canonical JSON is enforced: integers within ±(2^53 - 1), unique keys, well-formed strings. */
  readonly strictCanonicalJson: boolean;
  /** `redacts` stands in the content (earlier: at the top level of the event). */
  readonly redactsInContent: boolean;
  readonly redaction: RedactionRules;

  // Signatures
  /** The server in the event id must have signed too. */
  readonly eventIdServerMustSign: boolean;
  /** Signing keys must be valid at the event's origin_server_ts. */
  readonly enforceKeyValidity: boolean;

  /**
   * What has a type or state key of over 255 bytes is no event; otherwise it is one that no rule
   * allows.
   */
  readonly keysAreBytes: boolean;

  // Authorisation
  /** m.room.aliases has a rule of its own: state key is the sender's server. */
  readonly aliasesRule: boolean;
  /** m.room.redaction is allowed or refused by the authorisation rules (later: applied or not). */
  readonly redactionAuthRule: boolean;
  /** `content.creator` is required and names the creator; otherwise it is the create's sender. */
  readonly creatorInContent: boolean;
  /** Changes of `notifications` in power levels are checked like those of `events`. */
  readonly notificationLevelsChecked: boolean;
  /** Power levels must be integers; otherwise strings of digits (and floats) count too. */
  readonly integerPowerLevels: boolean;
  readonly knock: boolean;
  readonly restrictedJoins: boolean;
  readonly knockRestricted: boolean;
  /** Creators (sender and additional_creators) have infinite power and stand in no levels event. */
  readonly privilegedCreators: boolean;
  /** auth_events name the create event (otherwise they must not). */
  readonly createInAuthEvents: boolean;
  /**
   * What an invite shows of the room has to be PDUs, properly signed, the create event among them.
   */
  readonly invitesShowPdus: boolean;

  readonly stateResolution: "v1" | "v2" | "v2.1";
}

const REDACTION_TOP_LEVEL_KEYS = [
  "event_id",
  "type",
  "room_id",
  "sender",
  "state_key",
  "content",
  "hashes",
  "signatures",
  "depth",
  "prev_events",
  "prev_state",
  "auth_events",
  "origin",
  "origin_server_ts",
  "membership",
];

const POWER_LEVEL_KEYS = [
  "ban",
  "events",
  "events_default",
  "kick",
  "redact",
  "state_default",
  "users",
  "users_default",
];

const V1: RoomVersion = {
  id: "1",
  stable: true,
  eventIdFormat: "opaque",
  referencesArePairs: true,
  roomIdIsCreateHash: false,
  strictCanonicalJson: false,
  redactsInContent: false,
  redaction: {
    topLevelKeys: REDACTION_TOP_LEVEL_KEYS,
    contentKeys: {
      "m.room.member": ["membership"],
      "m.room.create": ["creator"],
      "m.room.join_rules": ["join_rule"],
      "m.room.power_levels": POWER_LEVEL_KEYS,
      "m.room.aliases": ["aliases"],
      "m.room.history_visibility": ["history_visibility"],
    },
  },
  eventIdServerMustSign: true,
  enforceKeyValidity: false,
  keysAreBytes: false,
  aliasesRule: true,
  redactionAuthRule: true,
  creatorInContent: true,
  notificationLevelsChecked: false,
  integerPowerLevels: false,
  knock: false,
  restrictedJoins: false,
  knockRestricted: false,
  privilegedCreators: false,
  createInAuthEvents: true,
  invitesShowPdus: false,
  stateResolution: "v1",
};

/** The version before with some flags changed. */
function after(before: RoomVersion, id: string, difference: Partial<RoomVersion>): RoomVersion {
  return { ...before, ...difference, id };
}

/** The redaction rules of `before`, with the content keys of some event types changed. */
function keeping(
  before: RoomVersion,
  changes: Record<string, true | readonly string[] | undefined>,
  topLevelKeys = before.redaction.topLevelKeys,
): RedactionRules {
  const contentKeys: Record<string, true | readonly string[]> = { ...before.redaction.contentKeys };
  for (const [type, keys] of Object.entries(changes)) {
    if (keys === undefined) delete contentKeys[type];
    else contentKeys[type] = keys;
  }
  return { topLevelKeys, contentKeys };
}

const V2 = after(V1, "2", { stateResolution: "v2" });
const V3 = after(V2, "3", {
  eventIdFormat: "base64",
  referencesArePairs: false,
  eventIdServerMustSign: false,
  redactionAuthRule: false,
});
const V4 = after(V3, "4", { eventIdFormat: "base64url" });
const V5 = after(V4, "5", { enforceKeyValidity: true });
const V6 = after(V5, "6", {
  strictCanonicalJson: true,
  aliasesRule: false,
  notificationLevelsChecked: true,
  redaction: keeping(V5, { "m.room.aliases": undefined }),
});
const V7 = after(V6, "7", { knock: true });
const V8 = after(V7, "8", {
  restrictedJoins: true,
  redaction: keeping(V7, { "m.room.join_rules": ["join_rule", "allow"] }),
});
const V9 = after(V8, "9", {
  redaction: keeping(V8, { "m.room.member": ["membership", "join_authorised_via_users_server"] }),
});
const V10 = after(V9, "10", { integerPowerLevels: true, knockRestricted: true });
const V11 = after(V10, "11", {
  keysAreBytes: true,
  creatorInContent: false,
  redactsInContent: true,
  redaction: keeping(
    V10,
    {
      "m.room.member": [
        "membership",
        "join_authorised_via_users_server",
        "third_party_invite.signed",
      ],
      "m.room.create": true,
      "m.room.power_levels": [...POWER_LEVEL_KEYS, "invite"],
      "m.room.redaction": ["redacts"],
    },
    REDACTION_TOP_LEVEL_KEYS.filter(
      (key) => key !== "prev_state" && key !== "origin" && key !== "membership",
    ),
  ),
});
const V12 = after(V11, "12", {
  roomIdIsCreateHash: true,
  privilegedCreators: true,
  createInAuthEvents: false,
  invitesShowPdus: true,
  stateResolution: "v2.1",
});

const VERSIONS: ReadonlyMap<string, RoomVersion> = new Map(
  [V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12].map((version) => [version.id, version]),
);

/** The version that new rooms get. */
export const DEFAULT_ROOM_VERSION = "12";

/** Ids of all supported versions, oldest first. */
export const ROOM_VERSION_IDS: readonly string[] = [...VERSIONS.keys()];

/**
 * Ids of the versions that write events in the same form: an event of one has the same id, if any,
 * in another.
 */
export function versionsAlike(version: RoomVersion): string[] {
  const alike = [...VERSIONS.values()].filter(
    (other) =>
      other.eventIdFormat === version.eventIdFormat &&
      other.referencesArePairs === version.referencesArePairs &&
      other.roomIdIsCreateHash === version.roomIdIsCreateHash,
  );
  return alike.map(({ id }) => id);
}

/** The version with that id; undefined when it is not supported. */
export function roomVersion(id: string): RoomVersion | undefined {
  return VERSIONS.get(id);
}
