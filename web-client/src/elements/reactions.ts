import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { toggleReaction } from "../store/actions.ts";
import type { Client } from "../store/client.ts";
import type { ReactionCount } from "../store/relations.ts";
import type { Room } from "../store/room.ts";
import { attempt } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { plainName } from "../text/names.ts";

/** The reactions to one message: a press adds one's own or takes it back. */
@customElement("weft-reactions")
export class WeftReactions extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  @property({ attribute: false }) eventId = "";
  @property({ attribute: false }) version = "";

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
      }
      .all {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-1);
        padding: 4px 0 3px;
      }
      button {
        display: inline-flex;
        align-items: center;
        gap: 5px;
        max-width: 180px;
        height: 26px;
        padding: 0 var(--space-2);
        border: 1px solid var(--line);
        border-radius: 13px;
        background: var(--raised);
        font-size: 0.9em;
      }
      button:hover {
        border-color: var(--line-strong);
      }
      button[aria-pressed="true"] {
        border-color: var(--accent);
        background: var(--accent-soft);
      }
      .count {
        color: var(--muted);
        font-size: 0.87em;
        font-variant-numeric: tabular-nums;
      }
      [aria-pressed="true"] .count {
        color: var(--accent);
        font-weight: 600;
      }
    `,
  ];

  #one(count: ReactionCount) {
    const names = [...count.by.keys()].map((userId) => this.room.displayName(userId));
    const shown =
      names.length > 8 ? [...names.slice(0, 8), msg(str`${names.length - 8} more`)] : names;
    const key = plainName(count.key) ?? "·";
    const own = count.by.has(this.client.session.userId);
    return html`<button
      type="button"
      aria-pressed=${own}
      title=${shown.join(", ")}
      aria-label=${msg(str`${key}, ${count.by.size}: ${shown.join(", ")}`)}
      @click=${() => void attempt(() => toggleReaction(this.client, this.room, this.eventId, count.key))}
    >
      <span class="ellipsis">${key}</span><span class="count">${count.by.size}</span>
    </button>`;
  }

  override render() {
    const counts = this.room.timeline.relations.reactionsTo(this.eventId);
    if (counts.length === 0) return nothing;
    return html`<div class="all" role="group" aria-label=${msg("Reactions")}>
      ${repeat(
        counts,
        (count) => count.key,
        (count) => this.#one(count),
      )}
    </div>`;
  }
}
