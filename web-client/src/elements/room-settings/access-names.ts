import { msg } from "@lit/localize";
import type { EventContent } from "../../api/types.ts";

export type Rule = EventContent<"m.room.join_rules">["join_rule"];
export type History = EventContent<"m.room.history_visibility">["history_visibility"];

/** Who may come in by a rule, in a few words and in a sentence. */
export function ruleName(rule: Rule): [name: string, hint: string] {
  switch (rule) {
    case "knock":
      return [
        msg("People who ask"),
        msg("Anyone may ask to join; someone with the right to invite lets them in."),
      ];
    case "restricted":
      return [msg("Members of a space"), msg("Whoever is in one of these spaces may join.")];
    case "knock_restricted":
      return [
        msg("Members of a space, and people who ask"),
        msg("Whoever is in one of these spaces may join; anyone else may ask."),
      ];
    case "public":
      return [msg("Everyone"), msg("Anyone who knows the address may join.")];
    default:
      return [msg("Only people who are invited"), msg("Nobody comes in without an invitation.")];
  }
}

/** Who may read what was said before, in a few words. */
export function historyName(history: History): string {
  switch (history) {
    case "joined":
      return msg("Members, from when they joined");
    case "invited":
      return msg("Members, from when they were invited");
    case "world_readable":
      return msg("Everyone, even without joining");
    default:
      return msg("Members, all of it");
  }
}
