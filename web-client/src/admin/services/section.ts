import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { createServerAdmin, type ApplicationService } from "../../api/admin/server.ts";
import { icon } from "../../elements/icon.ts";
import type { Client } from "../../store/client.ts";
import { report, toast } from "../../store/toasts.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { plainName, plainText } from "../../text/names.ts";
import { Again } from "../parts/again.ts";
import { count, due, facts, hrefToUser, tags, type Tag } from "../parts/facts.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";

/** Milliseconds between two looks. */
const EVERY = 5_000;
/** So many steps behind is as good as none: places are not saved at each step. */
const USUAL = 20;

function stateOf({ url, failures, is_waiting: waits, behind }: ApplicationService): Tag {
  if (url === null) return [msg("Is told nothing"), "quiet"];
  if (failures > 0) return [msg("Takes nothing"), "bad"];
  if (waits || behind > USUAL) return [msg("Is being told"), "quiet"];
  return [msg("Up to date")];
}

/** Application services: bridges, bots and the like, and whether they take what they are told. */
@customElement("weft-admin-services")
export class WeftAdminServices extends LitElement {
  @property({ attribute: false }) client!: Client;
  readonly #services = new Loaded<readonly ApplicationService[]>(
    this,
    async (signal) => (await createServerAdmin(this.client.api.http).services(signal)).services,
  );
  readonly #again = new Again(
    this,
    () => this.#services.load(),
    () => EVERY,
  );

  static override styles = [
    base,
    buttons,
    forms,
    adminStyles,
    css`
      .services {
        display: grid;
        gap: var(--space-3);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .service {
        padding: var(--space-4);
        border: 1px solid var(--line);
        border-radius: var(--radius-big);
        background: var(--raised);
      }
      .head {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-2) var(--space-3);
        margin-bottom: var(--space-3);
      }
      h3 {
        flex: 1 1 auto;
        margin: 0;
        overflow-wrap: anywhere;
      }
      .facts {
        margin: 0;
      }
      .names code {
        display: block;
      }
    `,
  ];

  async #retry(id: string): Promise<void> {
    await createServerAdmin(this.client.api.http).retryService(id);
    toast(msg(str`${id} is tried again at once.`));
    await this.#again.now();
  }

  #names(all: ApplicationService["users"]) {
    if (all.length === 0) return undefined;
    return html`<span class="names"
      >${all.map(
        ({ regex, exclusive }) =>
          html`<code>${regex}</code
            >${exclusive ? html`<span class="id">${msg("for it alone")}</span>` : nothing}`,
      )}</span
    >`;
  }

  #one(service: ApplicationService) {
    const { id, behind, failures, problem } = service;
    return html`<li class="service">
      <div class="head">
        <h3>${plainName(id)}</h3>
        ${tags([stateOf(service)])}
        ${
          failures === 0
            ? nothing
            : html`<button
                type="button"
                class="button small"
                @click=${() => void this.#retry(id).catch(report)}
              >
                ${icon("retry")} ${msg("Try again now")}
              </button>`
        }
      </div>
      ${problem === null ? nothing : html`<p class="problem">${plainText(problem)}</p>`}
      ${facts([
        [msg("Failed in a row"), failures === 0 ? undefined : count(failures)],
        [msg("Next try"), failures === 0 ? undefined : due(service.retry_ts || Date.now())],
        [msg("Steps behind"), behind <= USUAL ? undefined : count(behind)],
        [
          msg("Is told at"),
          service.url === null ? msg("Nowhere") : html`<code>${service.url}</code>`,
        ],
        [msg("Its own user"), html`<a href=${hrefToUser(service.sender)}>${service.sender}</a>`],
        [msg("Networks"), service.protocols.join(", ") || undefined],
        [
          msg("Limits of requests"),
          service.is_rate_limited ? msg("As for everybody") : msg("None hold for it"),
        ],
        [msg("Users"), this.#names(service.users)],
        [msg("Addresses of rooms"), this.#names(service.aliases)],
        [msg("Rooms"), this.#names(service.rooms)],
      ])}
    </li>`;
  }

  override render() {
    return html`<div class="bar"><h2>${msg("Application services")}</h2></div>
      <p class="hint">
        ${msg("Bridges to other networks and bots. They are registered by files in the folder of the setting “appservices”. What one does not take waits for it, in order.")}
      </p>
      ${this.#services.show((all: readonly ApplicationService[]) =>
        all.length === 0
          ? html`<p class="hint">${msg("None is registered.")}</p>`
          : html`<ul class="services">
              ${all.map((service) => this.#one(service))}
            </ul>`,
      )}`;
  }
}
