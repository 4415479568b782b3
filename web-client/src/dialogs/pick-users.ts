import { msg, str } from "@lit/localize";
import { css, html, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { ApiError } from "../api/errors.ts";
import type { UserSearchResult } from "../api/types.ts";
import { openDirect, serverOf } from "../store/actions.ts";
import { localName } from "../store/room.ts";
import type { RoomStore } from "../store/room-store.ts";
import { navigate } from "../store/router.ts";
import { toast } from "../store/toasts.ts";
import { parseMatrixLink } from "../text/links.ts";
import { base, buttonRows, buttons, forms } from "../styles/shared.ts";
import "../elements/avatar.ts";
import { encryptionChoice } from "./encryption/choice.ts";
import { field, FormDialog } from "./form-dialog.ts";
import { plainName } from "../text/names.ts";

/** Milliseconds after the last key before the directory is asked. */
const PAUSE = 250;

/** How many people are offered. */
const FOUND = 8;

/** Those in one's rooms whose name or id holds the term. */
function knownPeople(store: RoomStore, term: string): UserSearchResult[] {
  const wanted = term.toLowerCase();
  const found = new Map<string, UserSearchResult>();
  for (const room of store.rooms.values()) {
    for (const { userId, displayName, avatarUrl } of room.members("join", "invite")) {
      if (userId === store.me || found.has(userId)) continue;
      if (!`${displayName ?? ""} ${userId}`.toLowerCase().includes(wanted)) continue;
      found.set(userId, { user_id: userId, display_name: displayName, avatar_url: avatarUrl });
      if (found.size >= FOUND) return [...found.values()];
    }
  }
  return [...found.values()];
}

/** Chooses people: to invite them to a room, or to write to one of them. */
@customElement("weft-pick-users")
export class WeftPickUsers extends FormDialog {
  /** The room to invite to; absent, a direct chat is opened. */
  @property({ attribute: false }) roomId: string | undefined;
  @state() private found: UserSearchResult[] = [];
  @state() private term = "";
  /** Someone of whom their server knows nothing; asked for once more, they are taken all the same. */
  @state() private doubtful = "";
  @query("#who") private who!: HTMLInputElement;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #encrypted = false;

  static override styles = [
    base,
    buttons,
    forms,
    buttonRows,
    css`
      ul {
        max-height: 280px;
        margin-top: var(--space-2);
      }
      li button {
        padding-block: 6px;
      }
      .about {
        display: grid;
        min-width: 0;
        line-height: 1.25;
      }
      .id {
        color: var(--muted);
        font-size: 0.87em;
      }
    `,
  ];

  /** The term as a user id: "@alice:example.org", a link to a person, or "alice" on our own server. */
  #asUserId(term: string): string | undefined {
    const link = parseMatrixLink(term);
    if (link?.kind === "user") return link.userId;
    if (/^@[^\s:]+:[^\s]+$/.test(term)) return term;
    return undefined;
  }

  readonly #onInput = (): void => {
    this.term = this.who.value.trim();
    this.doubtful = "";
    this.problem = "";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#search(), PAUSE);
  };

  async #search(): Promise<void> {
    const { term } = this;
    if (term.length < 2) {
      this.found = [];
      return;
    }
    const known = knownPeople(this.client.store, term);
    this.found = known;
    // A server without a user directory leaves one with those whom one shares rooms with.
    const { account } = this.client.api;
    const results = await account.searchUsers(term.replace(/^@/, "")).catch(() => []);
    if (term !== this.term) return;
    const room = this.roomId === undefined ? undefined : this.client.store.room(this.roomId);
    const isHere = (id: string): boolean => room?.member(id)?.membership === "join";
    const fresh = results.filter(
      ({ user_id: id }) =>
        id !== this.client.session.userId && !known.some((one) => one.user_id === id),
    );
    this.found = [...known, ...fresh].filter(({ user_id: id }) => !isHere(id)).slice(0, FOUND);
  }

  protected override explain(error: unknown): string {
    if (error instanceof ApiError && error.errcode === "M_FORBIDDEN" && this.roomId !== undefined) {
      return msg(
        "This person cannot be invited: they are here already, are banned, or you lack the right to invite.",
      );
    }
    return super.explain(error);
  }

  protected override async submit(data: FormData): Promise<boolean> {
    this.#encrypted = data.get("encrypted") !== null;
    const only = this.found.length === 1 ? this.found[0]?.user_id : undefined;
    const userId = this.#asUserId(this.term) ?? only;
    if (userId === undefined) {
      this.problem = msg(
        "Choose someone from the list, or write their full address: @name:example.org",
      );
      return false;
    }
    if (this.doubtful !== userId && !(await this.#exists(userId))) return false;
    return this.#choose(userId, field(data, "reason"));
  }

  /** Whether there is such a person, as far as their server tells; says so where there is not. */
  async #exists(userId: string): Promise<boolean> {
    const isKnown = this.found.some((user) => user.user_id === userId);
    if (isKnown || this.#isMet(userId)) return true;
    try {
      await this.client.api.account.profile(userId);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) return true;
    }
    const isOurs = serverOf(userId) === serverOf(this.client.session.userId);
    if (isOurs) {
      this.problem = msg(
        str`There is nobody with the address ${userId}. Check it for typing errors.`,
      );
      return false;
    }
    this.doubtful = userId;
    this.problem = msg(
      str`Their server knows nothing of ${userId}. Check the address for typing errors, or go on all the same.`,
    );
    return false;
  }

  #isMet(userId: string): boolean {
    return [...this.client.store.rooms.values()].some(
      (room) => room.member(userId)?.membership === "join",
    );
  }

  async #choose(userId: string, reason: string): Promise<boolean> {
    if (this.roomId === undefined) {
      const roomId = await openDirect(this.client, userId, this.#encrypted);
      navigate({ page: "room", room: roomId, via: [] });
      return true;
    }
    await this.client.api.rooms.invite(this.roomId, userId, reason === "" ? undefined : reason);
    toast(msg(str`${userId} was invited.`));
    this.who.value = "";
    this.term = "";
    this.found = [];
    this.who.focus();
    return false;
  }

  async #pick(userId: string): Promise<void> {
    this.who.value = userId;
    this.term = userId;
    // Who was found is there.
    this.doubtful = userId;
    this.found = [];
    await this.updateComplete;
    this.renderRoot.querySelector("form")?.requestSubmit();
  }

  #results() {
    if (this.found.length === 0) return nothing;
    return html`<ul class="scroll" aria-label=${msg("People found")}>
      ${this.found.map(
        (user) =>
          html`<li>
            <button type="button" @click=${() => void this.#pick(user.user_id)}>
              <weft-avatar
                seed=${user.user_id}
                name=${plainName(user.display_name) ?? user.user_id}
                .mxc=${user.avatar_url}
                size="34"
              ></weft-avatar>
              <span class="about">
                <span class="ellipsis"
                  >${plainName(user.display_name) ?? localName(user.user_id)}</span
                >
                <span class="ellipsis id">${user.user_id}</span>
              </span>
            </button>
          </li>`,
      )}
    </ul>`;
  }

  override render() {
    const inviting = this.roomId !== undefined;
    return this.form(
      inviting ? msg("Invite people") : msg("Write to someone"),
      this.doubtful === this.term && this.problem !== ""
        ? msg("Go on all the same")
        : inviting
          ? msg("Invite")
          : msg("Open chat"),
      html`<div class="field">
          <label for="who">${msg("Name or address")}</label>
          <input
            id="who"
            autofocus
            spellcheck="false"
            autocapitalize="none"
            placeholder="@name:example.org"
            @input=${this.#onInput}
          />
          ${this.#results()}
        </div>
        ${
          inviting
            ? html`<div class="field">
                <label for="reason"
                  >${msg("Why? (optional, everyone in the room can read it)")}</label
                >
                <input id="reason" name="reason" maxlength="500" />
              </div>`
            : encryptionChoice(this.client, "direct")
        }`,
      this.term !== "",
    );
  }
}
