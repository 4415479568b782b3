import { msg } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { object, text, type MatrixEvent } from "../../api/types.ts";
import type { Client } from "../../store/client.ts";
import { bodyWithoutFallback } from "../../store/describe.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { explain } from "../../text/problems.ts";
import { fullTime } from "../../text/time.ts";
import "../../elements/dialog.ts";
import "../../elements/rich-text.ts";

/** Versions that are fetched at most. */
const MAX_PAGES = 6;

/** What a message said before it was edited, the newest words first. */
@customElement("weft-edit-history")
export class WeftEditHistory extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) roomId = "";
  @property({ attribute: false }) eventId = "";
  @state() private versions: readonly MatrixEvent[] = [];
  @state() private busy = true;
  @state() private isCut = false;
  @state() private problem = "";

  static override styles = [
    base,
    buttons,
    forms,
    css`
      ol {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        padding: var(--space-3) 0;
        border-top: 1px solid var(--line);
      }
      li:first-child {
        border: 0;
      }
      time {
        color: var(--muted);
        font-size: 0.87em;
      }
    `,
  ];

  override firstUpdated(): void {
    void this.#load();
  }

  async #load(): Promise<void> {
    const { client } = this;
    const room = client.store.room(this.roomId);
    if (room === undefined) return;
    try {
      const original = await client.history.event(room, this.eventId);
      let next: string | undefined;
      const found: MatrixEvent[] = [];
      for (let page = 0; page < MAX_PAGES; page++) {
        const answer = await client.api.reading.edits(room.roomId, this.eventId, next);
        found.push(...(await client.history.readable(room, answer.chunk)));
        next = answer.next_batch;
        if (next === undefined) break;
      }
      this.isCut = next !== undefined;
      // Nobody else's edits count.
      const edits = found.filter(
        (edit) =>
          edit.sender === original?.sender && object(edit.content, "m.new_content") !== undefined,
      );
      this.versions = [...edits, ...(original === undefined ? [] : [original])].toSorted(
        (a, b) => b.origin_server_ts - a.origin_server_ts,
      );
    } catch (error) {
      this.problem = explain(error);
    }
    this.busy = false;
  }

  #version(event: MatrixEvent) {
    const content = object(event.content, "m.new_content") ?? event.content;
    const isRich = text(content, "format") === "org.matrix.custom.html";
    const body = bodyWithoutFallback(event, text(content, "body") ?? "");
    return html`<li>
      <time>${fullTime(event.origin_server_ts)}</time>
      <weft-rich-text
        body=${body}
        .rich=${isRich ? text(content, "formatted_body") : undefined}
      ></weft-rich-text>
    </li>`;
  }

  override render() {
    return html`<weft-dialog heading=${msg("Earlier versions")}>
      ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
      ${this.busy ? html`<p role="status">${msg("Loading…")}</p>` : nothing}
      <ol>
        ${this.versions.map((event) => this.#version(event))}
      </ol>
      ${this.isCut ? html`<p>${msg("There are more versions than are shown here.")}</p>` : nothing}
    </weft-dialog>`;
  }
}
