import { msg, str } from "@lit/localize";
import { html, LitElement } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { createUsersAdmin, type RegistrationToken } from "../../api/admin/users.ts";
import type { Act } from "../../store/acts.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { toast } from "../../store/toasts.ts";
import { base, buttons } from "../../styles/shared.ts";
import { icon } from "../../elements/icon.ts";
import { count, moment, tags } from "../parts/facts.ts";
import "../parts/list.ts";
import type { WeftAdminList } from "../parts/list.ts";
import { ofWhole, type Listing, type Wish } from "../parts/listing.ts";
import { adminStyles } from "../parts/styles.ts";
import { inviteAct, limits, readLimits } from "./invite-link.ts";

/** The address at which somebody registers with a token. */
function linkOf(token: string): string {
  const { origin, pathname } = location;
  return `${origin}${pathname}?registration_token=${encodeURIComponent(token)}#/register`;
}

const isGood = (token: RegistrationToken): boolean =>
  (token.expiry_time === null || token.expiry_time > Date.now()) &&
  (token.uses_allowed === null || token.completed + token.pending < token.uses_allowed);

/** Tokens by which people register, each of them a link to send. */
@customElement("weft-admin-tokens")
export class WeftAdminTokens extends LitElement {
  @property({ attribute: false }) client!: Client;
  @query("weft-admin-list") private list!: WeftAdminList;

  static override styles = [base, buttons, adminStyles];

  get #users() {
    return createUsersAdmin(this.client.api.http);
  }

  async #load(wish: Wish, signal: AbortSignal) {
    const { registration_tokens: all } = await this.#users.tokens(signal);
    const wanted = wish.filters["state"];
    const found = wanted === "all" ? all : all.filter((token) => isGood(token) === (wanted === ""));
    return ofWhole(wish, found);
  }

  #open(act: Act): void {
    openDialog({ kind: "act", act });
  }

  readonly #create = (): void => this.#open(inviteAct(this.client, () => void this.list.reload()));

  #change(token: RegistrationToken): void {
    this.#open({
      heading: msg("Change the link"),
      text: msg(str`The link with the token ${token.token} stays the same.`),
      fields: limits(token),
      action: msg("Save"),
      run: async (values) => {
        await this.#users.changeToken(token.token, readLimits(values));
        toast(msg("The link was changed."));
        void this.list.reload();
      },
    });
  }

  #delete(token: RegistrationToken): void {
    this.#open({
      heading: msg("Delete the link"),
      text: msg(
        str`Nobody can register with the token ${token.token} any more. The accounts that were made with it (${count(token.completed)}) stay.`,
      ),
      undo: msg("This cannot be undone, but you can make another link."),
      action: msg("Delete"),
      isDanger: true,
      run: async () => {
        await this.#users.deleteToken(token.token);
        toast(msg("The link was deleted."));
        void this.list.reload();
      },
    });
  }

  #show(token: RegistrationToken): void {
    const link = linkOf(token.token);
    navigator.clipboard.writeText(link).then(
      () => toast(msg("The link was copied.")),
      () => toast(link),
    );
  }

  #listing(): Listing<RegistrationToken> {
    return {
      label: msg("Invitation links"),
      empty: msg("No link is there."),
      filters: [
        {
          name: "state",
          label: msg("Show"),
          options: [
            ["", msg("Good ones")],
            ["over", msg("Used up or too old")],
            ["all", msg("All")],
          ],
        },
      ],
      columns: [
        {
          label: msg("Token"),
          cell: (token) =>
            html`<code class="name">${token.token}</code> ${tags([
                !isGood(token) && [msg("No longer good"), "quiet"],
              ])}`,
        },
        {
          label: msg("Used"),
          isNumber: true,
          cell: ({ completed, uses_allowed: allowed }) =>
            allowed === null
              ? count(completed)
              : msg(str`${count(completed)} of ${count(allowed)}`),
        },
        {
          label: msg("Good until"),
          isNumber: true,
          cell: (token) =>
            token.expiry_time === null ? msg("for ever") : moment(token.expiry_time),
        },
      ],
      keyOf: (token) => token.token,
      nameOf: (token) => token.token,
      menu: (token) => [
        { label: msg("Copy the link"), icon: "copy", run: () => this.#show(token) },
        { label: msg("Change"), icon: "pencil", run: () => this.#change(token) },
        { label: msg("Delete"), icon: "trash", danger: true, run: () => this.#delete(token) },
      ],
      load: (wish, signal) => this.#load(wish, signal),
    };
  }

  override render() {
    return html`<div class="bar">
        <h2>${msg("Invitation links")}</h2>
        <button type="button" class="button primary" @click=${this.#create}>
          ${icon("plus")} ${msg("Invite by link")}
        </button>
      </div>
      <weft-admin-list .listing=${this.#listing()}></weft-admin-list>`;
  }
}
