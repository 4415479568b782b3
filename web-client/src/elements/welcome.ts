import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import { serverOf } from "../store/actions.ts";
import { roleOf } from "../store/administrator.ts";
import type { Client } from "../store/client.ts";
import { openDialog } from "../store/dialogs.ts";
import { hrefTo } from "../store/router.ts";
import { report } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { icon, type IconName } from "./icon.ts";
import { logo } from "./logo.ts";

/** What is shown where no room is open: how to begin, for whoever has no room yet. */
@customElement("weft-welcome")
export class WeftWelcome extends LitElement {
  @property({ attribute: false }) client!: Client;

  constructor() {
    super();
    new Watch(this, () => [
      this.client?.store.$list,
      this.client?.sync.$hasAll,
      this.client && roleOf(this.client),
    ]);
  }

  static override styles = [
    base,
    buttons,
    css`
      main {
        display: grid;
        place-content: center;
        justify-items: center;
        height: 100%;
        padding: var(--space-5);
        text-align: center;
        color: var(--muted);
      }
      h1 {
        margin: var(--space-4) 0 var(--space-1);
        color: var(--text);
        font-size: 1.3em;
      }
      p {
        max-width: 44ch;
        margin: 0;
      }
      ul {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 210px), 1fr));
        gap: var(--space-3);
        width: min(660px, 100%);
        margin: var(--space-5) 0 0;
        padding: 0;
        list-style: none;
      }
      .card {
        display: grid;
        gap: var(--space-1);
        width: 100%;
        height: 100%;
        padding: var(--space-4);
        border: 1px solid var(--line);
        border-radius: var(--radius-big);
        background: var(--raised);
        color: var(--text);
        text-align: start;
        text-decoration: none;
        align-content: start;
        transition: border-color 0.12s;
      }
      .card:hover {
        border-color: var(--accent);
      }
      .card .icon {
        color: var(--accent);
      }
      .card b {
        font-weight: 600;
      }
      .card span:last-child {
        color: var(--muted);
        font-size: 0.92em;
      }
      kbd {
        padding: 0 5px;
        border: 1px solid var(--line-strong);
        border-radius: 5px;
        font: inherit;
        font-size: 0.9em;
      }
      .keys {
        margin-top: var(--space-5);
        font-size: 0.92em;
      }
    `,
  ];

  #card(sign: IconName, label: string, words: string, to: string | (() => void)): TemplateResult {
    const inside = html`${icon(sign)}<b>${label}</b><span>${words}</span>`;
    return html`<li>
      ${
        typeof to === "string"
          ? html`<a class="card" href=${to}>${inside}</a>`
          : html`<button type="button" class="card" @click=${to}>${inside}</button>`
      }
    </li>`;
  }

  /** For who runs a server on which nothing is yet. */
  #firstOfAll() {
    const server = serverOf(this.client.session.userId);
    return html`<h1>${msg("Welcome to Weft")}</h1>
      <p>${msg(str`You are an administrator of ${server}. Here is how to begin:`)}</p>
      <ul>
        ${this.#newRoom()} ${this.#invite()}
        ${this.#card("shield", msg("Open the administration"), msg("How the server does, its users and rooms."), hrefTo({ page: "admin", path: [] }))}
        ${this.#profile()}
      </ul>`;
  }

  #newRoom() {
    return this.#card(
      "hash",
      msg("Create a room"),
      msg("For a team, a family, or a thought of your own. Then invite people."),
      () => openDialog({ kind: "create-room" }),
    );
  }

  /** People come by a link. */
  #invite() {
    return this.#card(
      "userPlus",
      msg("Invite people by a link"),
      msg("Whoever has it can register on this server."),
      () =>
        void import("../admin/people/invite-link.ts")
          .then(({ inviteAct }) => openDialog({ kind: "act", act: inviteAct(this.client) }))
          .catch(report),
    );
  }

  #profile() {
    return this.#card(
      "user",
      msg("Set up your profile"),
      msg("A name and a picture by which others know you."),
      hrefTo({ page: "settings", section: "profile" }),
    );
  }

  #first() {
    return html`<h1>${msg("Welcome to Weft")}</h1>
      <p>${msg("You have no rooms yet. Here is how to begin:")}</p>
      <ul>
        ${this.#newRoom()}
        ${this.#card("message", msg("Write to someone"), msg("On this server or any other that speaks Matrix."), () => openDialog({ kind: "start-direct" }))}
        ${this.#card("compass", msg("Explore public rooms"), msg("See what others talk about here."), hrefTo({ page: "directory" }))}
        ${this.#profile()}
      </ul>`;
  }

  override render() {
    const isNew = this.client.sync.$hasAll.get() && this.client.store.$list.get().length === 0;
    return html`<main>
      ${logo(64)}
      ${
        isNew
          ? roleOf(this.client).get() === "administrator"
            ? this.#firstOfAll()
            : this.#first()
          : html`<h1>${msg("Pick up a thread")}</h1>
              <p>
                ${msg("Choose a room on the left, write to someone, or look around in the public directory.")}
              </p>
              <ul>
                ${this.#invite()}
              </ul>`
      }
      ${
        matchMedia("(pointer: fine)").matches
          ? html`<p class="keys">
              <kbd>${msg("Ctrl")}</kbd> <kbd>K</kbd> ${msg("goes anywhere")} · <kbd>?</kbd>
              ${msg("lists all keys")}
            </p>`
          : nothing
      }
    </main>`;
  }
}
