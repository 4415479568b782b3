/** Push rules of a user, and events that they are tried on. */
import type { JsonObject } from "../../src/protocol/json.ts";
import {
  compile,
  evaluate,
  type PushRule,
  type PushEvent,
  type Ruleset,
} from "../../src/protocol/push/push-rules.ts";

export const ME = "@me:example.org";
export const NOTIFY: JsonObject = { actions: ["notify"] };

export function rule(id: string): PushRule {
  return { rule_id: id, default: false, enabled: true, actions: ["notify"] };
}

export function empty(): Ruleset {
  return { override: [], content: [], postcontent: [], room: [], sender: [], underride: [] };
}

export function outcome(rules: Ruleset, event: PushEvent) {
  return evaluate(compile(rules), event, { memberCount: 5, senderPowerLevel: 0 });
}

export function message(body: string): PushEvent {
  return {
    roomId: "!room:example.org",
    sender: "@alice:example.org",
    type: "m.room.message",
    content: { body, msgtype: "m.text" },
  };
}
