import { msg, str } from "@lit/localize";
import { html, nothing, type TemplateResult } from "lit";
import type { OlderMessages } from "../controllers/older-messages.ts";
import type { Timeline } from "../store/timeline.ts";
import { icon } from "./icon.ts";

/** Above the first line: that there is more to come, that it could not be had, or that this is the start. */
export function historyHead(
  { reachedStart, thread }: Timeline,
  older: OlderMessages,
): TemplateResult | typeof nothing {
  if (reachedStart && thread !== undefined) return nothing;
  if (reachedStart) return html`<p>${msg("This is where the conversation begins.")}</p>`;
  if (!older.failed) return html`<p role="status">${msg("Fetching older messages…")}</p>`;
  // A feed's children are articles.
  return html`<div role="article" aria-label=${msg("Older messages")}>
    <button type="button" class="button small" @click=${() => older.retry()}>
      ${icon("retry")} ${msg("Older messages could not be fetched. Try again")}
    </button>
  </div>`;
}

/** Below the last line of a stretch from which the newest is not in reach: that there is more to come. */
export function historyFoot({ nextToken }: Timeline): TemplateResult {
  if (nextToken === undefined) return html`<div class="foot"></div>`;
  return html`<div class="foot more"><p role="status">${msg("Fetching newer messages…")}</p></div>`;
}

/** The way down to the newest line, with how many have come meanwhile. */
export function toNewest(count: number, go: () => void): TemplateResult {
  const label = count > 0 ? msg(str`${count} new`) : msg("Newest");
  return html`<button class="button small jump" type="button" @click=${go}>
    ${icon("arrowDown")} ${label}
  </button>`;
}

/** The way up to where reading stopped. */
export function toUnread(go: () => void): TemplateResult {
  return html`<button class="button small to-unread" type="button" @click=${go}>
    ${msg("To the first new message")}
  </button>`;
}
