import type { NotifyApi, RuleKind } from "../api/notify.ts";
import { text, type Content } from "../api/types.ts";
import type { Client } from "./client.ts";

/** What can be turned on and off for all rooms, with the rules of the server that stand for it. */
const SUBJECTS = {
  rooms: [
    ["underride", ".m.rule.message"],
    ["underride", ".m.rule.encrypted"],
  ],
  directs: [
    ["underride", ".m.rule.room_one_to_one"],
    ["underride", ".m.rule.encrypted_room_one_to_one"],
  ],
  mentions: [
    ["override", ".m.rule.is_user_mention"],
    ["override", ".m.rule.contains_display_name"],
    ["content", ".m.rule.contains_user_name"],
  ],
  everyone: [
    ["override", ".m.rule.is_room_mention"],
    ["override", ".m.rule.roomnotif"],
  ],
  invites: [["override", ".m.rule.invite_for_me"]],
} as const satisfies Record<string, readonly (readonly [RuleKind, string])[]>;

export type Subject = keyof typeof SUBJECTS;

function rulesOf(rules: Content | undefined, kind: RuleKind): Content[] {
  const all = (rules?.["global"] as Record<string, unknown> | undefined)?.[kind];
  return Array.isArray(all) ? (all as Content[]) : [];
}

function find(rules: Content | undefined, kind: RuleKind, ruleId: string): Content | undefined {
  return rulesOf(rules, kind).find((rule) => rule["rule_id"] === ruleId);
}

/** Whether one is told of a subject: each of its rules that the server has is on. */
export function isOn(rules: Content | undefined, subject: Subject): boolean {
  const known = SUBJECTS[subject].map(([kind, id]) => find(rules, kind, id));
  return known.every((rule) => rule?.["enabled"] !== false);
}

/** Turns a subject on or off; rules that the server does not have are left out. */
export async function setOn(client: Client, subject: Subject, on: boolean): Promise<void> {
  const rules = client.store.accountData.get("m.push_rules");
  const known = SUBJECTS[subject].filter(([kind, id]) => find(rules, kind, id) !== undefined);
  const notify: NotifyApi = client.api.notify;
  await Promise.all(known.map(([kind, id]) => notify.setEnabled(kind, id, on)));
}

export interface Keyword {
  readonly id: string;
  readonly word: string;
}

/** The words of which one is told wherever they stand. */
export function keywordsOf(rules: Content | undefined): Keyword[] {
  return rulesOf(rules, "content").flatMap((rule) => {
    const [id, word] = [text(rule, "rule_id"), text(rule, "pattern")];
    return id === undefined || word === undefined || id.startsWith(".") ? [] : [{ id, word }];
  });
}
