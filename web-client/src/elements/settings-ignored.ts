import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { ignoredUsers, setIgnored } from "../store/ignored.ts";
import { personName } from "../store/people.ts";
import { attempt } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import "./avatar.ts";

/** Whom one ignores, and the way to hear of them again. */
@customElement("weft-settings-ignored")
export class WeftSettingsIgnored extends LitElement {
  @property({ attribute: false }) client!: Client;

  constructor() {
    super();
    new Watch(this, () => [this.client?.store.$list]);
  }

  static override styles = [
    base,
    buttons,
    css`
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-3);
        padding: var(--space-2) 0;
        border-bottom: 1px solid var(--line);
      }
      .grow {
        flex: 1;
        min-width: 140px;
        overflow-wrap: anywhere;
      }
      .muted {
        color: var(--muted);
        font-size: 0.9em;
      }
    `,
  ];

  async #release(userId: string): Promise<void> {
    await attempt(() => setIgnored(this.client, userId, false));
    this.requestUpdate();
  }

  override render() {
    const users = ignoredUsers(this.client);
    return html`<p class="muted">
        ${msg("You see nothing of what these people write, and get no invitations from them. They are not told. You add someone by their profile.")}
      </p>
      ${users.length === 0 ? html`<p>${msg("You ignore nobody.")}</p>` : nothing}
      <ul aria-label=${msg("Ignored people")}>
        ${users.map((userId) => {
          const name = personName(this.client, userId);
          return html`<li>
            <weft-avatar seed=${userId} name=${name} size="32"></weft-avatar>
            <span class="grow">${name}<br /><span class="muted">${userId}</span></span>
            <button
              type="button"
              class="button small"
              aria-label=${msg(str`No longer ignore ${name}`)}
              @click=${() => void this.#release(userId)}
            >
              ${msg("No longer ignore")}
            </button>
          </li>`;
        })}
      </ul>`;
  }
}
