import { msg } from "@lit/localize";

/** What a level makes someone, in a word. */
export function roleName(level: number): string {
  switch (level) {
    case 100:
      return msg("Admin");
    case 50:
      return msg("Moderator");
    case 0:
      return msg("Everyone");
    default:
      if (level === Infinity) return msg("Creator");
      return level < 0 ? msg("Restricted") : msg("Level");
  }
}
