import { MatrixError } from "../../protocol/errors.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../../protocol/json.ts";
import type { PushRule, RuleKind } from "../../protocol/push/push-rules.ts";
import type { AccountData } from "./account-data.ts";
import type { PushRules } from "./push-rules.ts";

/** A user's settings for a room, copied when the room is replaced. */
export interface RoomSettings {
  /**
   * Copies tags, push rules and the direct chat flag; what the new room has already stays.
   * (Client-server API, "Room Upgrades", server behaviour.)
   */
  copy(userId: UserId, from: RoomId, to: RoomId): Promise<void>;
}

const KINDS: readonly RuleKind[] = ["override", "room", "underride"];

export function createRoomSettings(deps: {
  readonly accountData: AccountData;
  readonly pushRules: PushRules;
}): RoomSettings {
  const { accountData, pushRules } = deps;

  async function copyTags(userId: UserId, from: RoomId, to: RoomId): Promise<void> {
    const tags = await accountData.find(userId, from, "m.tag");
    if (tags === undefined) return;
    await accountData.update(userId, to, "m.tag", (before) => before ?? tags);
  }

  async function copyDirect(userId: UserId, from: RoomId, to: RoomId): Promise<void> {
    const lists = (content: JsonObject | undefined) => Object.entries(content ?? {});
    const isMissing = (rooms: unknown): rooms is string[] =>
      Array.isArray(rooms) && rooms.includes(from) && !rooms.includes(to);
    const direct = await accountData.find(userId, undefined, "m.direct");
    if (!lists(direct).some(([, rooms]) => isMissing(rooms))) return;
    await accountData.update(userId, undefined, "m.direct", (before) =>
      Object.fromEntries(
        lists(before).map(([user, rooms]) => [user, isMissing(rooms) ? [...rooms, to] : rooms]),
      ),
    );
  }

  async function copyRules(userId: UserId, from: RoomId, to: RoomId): Promise<void> {
    const rules = await pushRules.get(userId);
    for (const kind of KINDS) {
      const known = new Set((rules[kind] ?? []).map((rule) => rule.rule_id));
      for (const rule of rules[kind] ?? []) {
        const moved = rule.default ? undefined : movedRule(rule, kind, from, to);
        if (moved === undefined || known.has(moved.rule_id)) continue;
        const { rule_id: id, conditions, actions } = moved;
        const body = { actions, ...(conditions && { conditions }) } as unknown as JsonObject;
        await pushRules.put(userId, kind, id, body, {});
        if (!rule.enabled) await pushRules.setEnabled(userId, kind, id, false);
      }
    }
  }

  return {
    async copy(userId, from, to) {
      await unlessRefused(() => copyTags(userId, from, to));
      await unlessRefused(() => copyDirect(userId, from, to));
      await unlessRefused(() => copyRules(userId, from, to));
    },
  };
}

/** Settings that exceed the user's limits are not copied; this does not stop the others. */
async function unlessRefused(copy: () => Promise<void>): Promise<void> {
  try {
    await copy();
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error;
  }
}

/** The same rule for the new room; undefined when the rule is not about the old one. */
function movedRule(rule: PushRule, kind: RuleKind, from: RoomId, to: RoomId): PushRule | undefined {
  if (kind === "room") return rule.rule_id === from ? { ...rule, rule_id: to } : undefined;
  const isOfOld = (condition: unknown): boolean =>
    isJsonObject(condition) && condition.key === "room_id" && condition.pattern === from;
  if (!rule.conditions?.some(isOfOld)) return undefined;
  const id = rule.rule_id.includes(from)
    ? rule.rule_id.replaceAll(from, to)
    : `${rule.rule_id} ${to}`;
  const conditions = rule.conditions.map((one) => (isOfOld(one) ? { ...one, pattern: to } : one));
  return { ...rule, rule_id: id, conditions };
}
