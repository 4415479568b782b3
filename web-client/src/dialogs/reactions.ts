import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { plainName } from "../text/names.ts";
import { base } from "../styles/shared.ts";
import "../elements/avatar.ts";
import "../elements/dialog.ts";

/** Who reacted to a message, by reaction. */
@customElement("weft-who-reacted")
export class WeftWhoReacted extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) roomId = "";
  @property({ attribute: false }) eventId = "";

  constructor() {
    super();
    new Watch(this, () => [this.client?.store.room(this.roomId)?.signals.$timeline]);
  }

  static override styles = [
    base,
    css`
      section {
        margin-bottom: var(--space-4);
      }
      h3 {
        margin: 0 0 var(--space-2);
        font-size: 1em;
      }
      ul {
        display: grid;
        gap: var(--space-2);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        align-items: center;
        gap: var(--space-3);
      }
    `,
  ];

  #people(userIds: readonly string[]) {
    const room = this.client.store.room(this.roomId);
    return userIds.map((userId) => {
      const name = room?.displayName(userId) ?? userId;
      return html`<li>
        <weft-avatar
          seed=${userId}
          name=${name}
          .mxc=${room?.member(userId)?.avatarUrl}
          size="28"
        ></weft-avatar>
        <span class="ellipsis" title=${userId}>${name}</span>
      </li>`;
    });
  }

  override render() {
    const relations = this.client.store.room(this.roomId)?.timeline.relations;
    const counts = relations?.reactionsTo(this.eventId) ?? [];
    return html`<weft-dialog heading=${msg("Reactions")}>
      <div tabindex="0" autofocus role="group" aria-label=${msg("Who reacted")}>
        ${counts.map(
          ({ key, by }) =>
            html`<section>
              <h3 class="ellipsis">${plainName(key) ?? "·"} <span>${by.size}</span></h3>
              <ul>
                ${this.#people([...by.keys()])}
              </ul>
            </section>`,
        )}
      </div>
    </weft-dialog>`;
  }
}
