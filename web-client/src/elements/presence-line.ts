import { msg } from "@lit/localize";
import type { Presence } from "../store/presence.ts";

/** In words whether somebody is there, and what they say of it: "Away · At lunch". Empty where nothing is known. */
export function presenceLine(presence: Presence | undefined): string {
  const { state, status } = presence ?? {};
  const word = state === "online" ? msg("Online") : state === "unavailable" ? msg("Away") : "";
  return [word, status ?? ""].filter((part) => part !== "").join(" · ");
}
