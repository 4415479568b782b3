import type { PushRuleBody } from "../api/room-notes.ts";
import { text } from "../api/types.ts";
import type { Client } from "./client.ts";
import { rulesOf, silences, type NotifyLevel } from "./notify-level.ts";

const SILENT: PushRuleBody = { actions: [] };
const LOUD: PushRuleBody = { actions: ["notify", { set_tweak: "sound", value: "default" }] };

/** Sets what one is told of in a room: here by the sync that follows. */
export async function setNotifyLevel(
  client: Client,
  roomId: string,
  level: NotifyLevel,
): Promise<void> {
  const { notes } = client.api;
  const rules = client.store.accountData.get("m.push_rules");
  if (level === "mute") {
    const conditions = [{ kind: "event_match" as const, key: "room_id", pattern: roomId }];
    await notes.setRule("override", roomId, { ...SILENT, conditions });
  } else if (level !== "default") {
    await notes.setRule("room", roomId, level === "all" ? LOUD : SILENT);
  }
  for (const kind of ["override", "room"] as const) {
    const isNew = kind === (level === "mute" ? "override" : "room") && level !== "default";
    if (isNew) continue;
    for (const rule of rulesOf(rules, kind)) {
      const ruleId = text(rule, "rule_id");
      const isOfRoom =
        kind === "room" ? ruleId === roomId : silences({ ...rule, enabled: true }) === roomId;
      if (ruleId !== undefined && isOfRoom) await notes.removeRule(kind, ruleId);
    }
  }
}
