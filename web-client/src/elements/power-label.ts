import { msg } from "@lit/localize";
import { CREATOR_POWER } from "../store/power.ts";

/** What someone's level makes them; "" for ordinary people. */
export function powerLabel(power: number): string {
  if (power === CREATOR_POWER) return msg("Creator");
  if (power >= 100) return msg("Admin");
  if (power >= 50) return msg("Moderator");
  return "";
}
