import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Health } from "../../api/admin/server.ts";
import type { Client } from "../../store/client.ts";
import { hrefTo } from "../../store/router.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { fileSize } from "../../text/time.ts";
import { Again } from "../parts/again.ts";
import { count, facts, moment } from "../parts/facts.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";
import "./attention.ts";
import "./charts.ts";
import { concernsOf, learn, type Known } from "./known.ts";
import { queueName } from "./names.ts";
import { overviewStyles } from "./styles.ts";

/** What is looked at anew, in milliseconds. */
const EVERY = 30_000;

/** How the server does and what needs an administrator: what the administration opens with. */
@customElement("weft-admin-overview")
export class WeftAdminOverview extends LitElement {
  @property({ attribute: false }) client!: Client;
  readonly #known = new Loaded<Known>(this, (signal) => learn(this.client.api.http, signal));

  constructor() {
    super();
    new Again(
      this,
      () => this.#known.load(),
      () => EVERY,
    );
  }

  static override styles = [base, buttons, forms, adminStyles, overviewStyles];

  #tile(label: string, value: unknown, path?: readonly string[]) {
    const inside = html`<span class="value">${value}</span><span class="label">${label}</span>`;
    return html`<li>
      ${
        path === undefined
          ? html`<div class="tile">${inside}</div>`
          : html`<a class="tile" href=${hrefTo({ page: "admin", path })}>${inside}</a>`
      }
    </li>`;
  }

  #tiles({ health, users, rooms }: Known) {
    const requests = health.replicas.reduce((sum, replica) => sum + replica.requests, 0);
    return html`<ul class="tiles">
      ${this.#tile(msg("Open accounts"), count(users), ["users"])}
      ${this.#tile(msg("Rooms"), count(rooms), ["rooms"])}
      ${this.#tile(msg("Requests in the last minute"), count(requests))}
      ${this.#tile(msg("Database"), fileSize(health.database.size_bytes))}
    </ul>`;
  }

  #queues({ queues }: Health) {
    const waiting = queues.filter(({ length }) => length > 0);
    return html`<h3>${msg("What waits")}</h3>
      ${
        waiting.length === 0
          ? html`<p class="hint">${msg("Nothing waits to be done.")}</p>`
          : facts(
              waiting.map(({ name, length, is_more: isMore }) => [
                queueName(name),
                isMore ? msg(str`More than ${count(length)}`) : count(length),
              ]),
            )
      }`;
  }

  #processes({ replicas, replica: ours }: Health) {
    if (replicas.length === 0)
      return html`<h3>${msg("Processes")}</h3>
        <p class="hint">${msg("Each says once a minute how it does. None has yet.")}</p>`;
    return html`<h3>${msg("Processes")}</h3>
      <ul class="processes">
        ${replicas.map(
          (each) =>
            html`<li>
              <h4>
                <code>${each.replica}</code>
                ${each.replica === ours ? html`<span class="id">${msg("answers this page")}</span>` : nothing}
              </h4>
              ${facts([
                [msg("Version"), each.version],
                [msg("Runs since"), moment(each.started_ts)],
                [msg("Requests in the last minute"), count(each.requests)],
                [msg("Failed"), count(each.failed)],
                [msg("Memory"), fileSize(each.memory_bytes)],
              ])}
            </li>`,
        )}
      </ul>`;
  }

  #versions({ version, node_version: node, database, uses_redis: redis }: Health) {
    const { connections, max_connections: most, is_embedded: isEmbedded } = database;
    return html`<h3>${msg("What it runs on")}</h3>
      ${facts([
        ["Weft", version],
        ["Node", node],
        ["PostgreSQL", isEmbedded ? msg(str`${database.version}, embedded`) : database.version],
        [msg("Connections of the database"), msg(str`${count(connections)} of ${count(most)}`)],
        ["Redis", redis ? msg("Connected") : msg("Not used: this is the only process")],
      ])}`;
  }

  override render() {
    return html`<div class="bar">
        <h2>${msg("Overview")}</h2>
        <span class="id"
          >${this.#known.value === undefined ? nothing : this.#known.value.health.server_name}</span
        >
      </div>
      ${this.#known.show(
        (known: Known) =>
          html`<weft-admin-attention .concerns=${concernsOf(known)}></weft-admin-attention>
            ${this.#tiles(known)}
            <weft-admin-charts .client=${this.client}></weft-admin-charts>
            ${this.#queues(known.health)} ${this.#processes(known.health)}
            ${this.#versions(known.health)}`,
      )}`;
  }
}
