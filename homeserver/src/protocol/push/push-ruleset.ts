import type { Json, JsonObject } from "../json.ts";

/**
 * The kinds in the order in which they are tried. `postcontent` has rules of the server's alone.
 * (MSC4306.)
 */
export const RULE_KINDS = [
  "override",
  "content",
  "postcontent",
  "room",
  "sender",
  "underride",
] as const;

export type RuleKind = (typeof RULE_KINDS)[number];

export type PushAction = string | { set_tweak: string; value?: Json };

export interface PushRule {
  rule_id: string;
  /** A rule of the server's, whose id starts with ".". */
  default: boolean;
  enabled: boolean;
  actions: PushAction[];
  /** override, postcontent and underride rules only. */
  conditions?: JsonObject[];
  /** content rules only. */
  pattern?: string;
}

/** The `global` ruleset, each list by falling priority. */
export type Ruleset = Record<RuleKind, PushRule[]>;

const SOUND: PushAction = { set_tweak: "sound", value: "default" };
const RING: PushAction = { set_tweak: "sound", value: "ring" };
const HIGHLIGHT: PushAction = { set_tweak: "highlight" };

/** The one default rule that stands before the user's own. */
export const MASTER_RULE_ID = ".m.rule.master";

/** The ruleset of a new account. (Client-server API, "Predefined Rules".) */
export function defaultRules(userId: string): Ruleset {
  return {
    override: [
      { ...rule(MASTER_RULE_ID, [], []), enabled: false },
      rule(".m.rule.suppress_notices", [matches("content.msgtype", "m.notice")], []),
      rule(
        ".m.rule.invite_for_me",
        [
          matches("type", "m.room.member"),
          matches("content.membership", "invite"),
          matches("state_key", userId),
        ],
        ["notify", SOUND],
      ),
      rule(".m.rule.member_event", [matches("type", "m.room.member")], []),
      rule(
        ".m.rule.is_user_mention",
        [
          {
            kind: "event_property_contains",
            key: "content.m\\.mentions.user_ids",
            value: userId,
          },
        ],
        ["notify", SOUND, HIGHLIGHT],
      ),
      rule(
        ".m.rule.is_room_mention",
        [
          { kind: "event_property_is", key: "content.m\\.mentions.room", value: true },
          { kind: "sender_notification_permission", key: "room" },
        ],
        ["notify", HIGHLIGHT],
      ),
      rule(
        ".m.rule.tombstone",
        [matches("type", "m.room.tombstone"), matches("state_key", "")],
        ["notify", HIGHLIGHT],
      ),
      rule(".m.rule.reaction", [matches("type", "m.reaction")], []),
      rule(
        ".m.rule.room.server_acl",
        [matches("type", "m.room.server_acl"), matches("state_key", "")],
        [],
      ),
      rule(
        ".m.rule.suppress_edits",
        [{ kind: "event_property_is", key: "content.m\\.relates_to.rel_type", value: "m.replace" }],
        [],
      ),
    ],
    content: [],
    postcontent: threadRules(),
    room: [],
    sender: [],
    underride: [
      rule(".m.rule.call", [matches("type", "m.call.invite")], ["notify", RING]),
      rule(
        ".m.rule.encrypted_room_one_to_one",
        [ONE_TO_ONE, matches("type", "m.room.encrypted")],
        ["notify", SOUND],
      ),
      rule(
        ".m.rule.room_one_to_one",
        [ONE_TO_ONE, matches("type", "m.room.message")],
        ["notify", SOUND],
      ),
      rule(".m.rule.message", [matches("type", "m.room.message")], ["notify"]),
      rule(".m.rule.encrypted", [matches("type", "m.room.encrypted")], ["notify"]),
    ],
  };
}

/** The condition that an event is in a thread which the user follows, or does not. (MSC4306.) */
export const THREAD_CONDITION = "io.element.msc4306.thread_subscription";

/**
 * Threads that the user follows notify, others don't. Both rules are off until the user follows the
 * first thread: of who has no client that does that, threads notify as ever (docs/decisions/0047).
 */
function threadRules(): PushRule[] {
  return [
    {
      ...rule(
        ".io.element.msc4306.rule.unsubscribed_thread",
        [{ kind: THREAD_CONDITION, subscribed: false }],
        [],
      ),
      enabled: false,
    },
    {
      ...rule(
        ".io.element.msc4306.rule.subscribed_thread",
        [{ kind: THREAD_CONDITION, subscribed: true }],
        ["notify", SOUND],
      ),
      enabled: false,
    },
  ];
}

/** The ruleset with the rules on threads switched on. */
export function withThreadRules(ruleset: Ruleset): Ruleset {
  return {
    ...ruleset,
    postcontent: ruleset.postcontent.map((one) => ({ ...one, enabled: true })),
  };
}

const ONE_TO_ONE: JsonObject = { kind: "room_member_count", is: "2" };

function rule(id: string, conditions: JsonObject[], actions: PushAction[]): PushRule {
  return { rule_id: id, default: true, enabled: true, conditions, actions };
}

function matches(key: string, pattern: string): JsonObject {
  return { kind: "event_match", key, pattern };
}

/**
 * A stored ruleset with the default rules as this server knows them today: the user's own rules,
 * and what was enabled or given other actions, stay.
 */
export function refreshDefaults(stored: Ruleset, userId: string): Ruleset {
  const fresh = defaultRules(userId);
  for (const kind of RULE_KINDS) {
    const before = stored[kind] ?? [];
    const defaults = fresh[kind].map((current) => {
      const old = before.find((other) => other.default && other.rule_id === current.rule_id);
      return old === undefined
        ? current
        : { ...current, enabled: old.enabled, actions: old.actions };
    });
    const own = before.filter((other) => !other.default);
    const first = defaults[0]?.rule_id === MASTER_RULE_ID ? 1 : 0;
    fresh[kind] = [...defaults.slice(0, first), ...own, ...defaults.slice(first)];
  }
  return fresh;
}
