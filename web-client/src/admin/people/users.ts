import { msg } from "@lit/localize";
import { html, LitElement } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import type { QueryParams } from "@weft/spec/types";
import { createUsersAdmin, type ListedUser } from "../../api/admin/users.ts";
import { icon } from "../../elements/icon.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { localName } from "../../store/room.ts";
import { type AdminRoute, hrefTo } from "../../store/router.ts";
import { base, buttons } from "../../styles/shared.ts";
import { plainName } from "../../text/names.ts";
import { moment, person, tags, type Tag } from "../parts/facts.ts";
import "../parts/list.ts";
import type { WeftAdminList } from "../parts/list.ts";
import { byPlace, type Listing, type Wish } from "../parts/listing.ts";
import { adminStyles } from "../parts/styles.ts";
import { createUser, userActs } from "./acts.ts";

/** What a user is besides a user. */
export function marksOf(user: ListedUser): (Tag | false)[] {
  return [
    user.admin && [msg("Administrator")],
    user.user_type === "bot" && [msg("Bot"), "quiet"],
    user.user_type === "support" && [msg("Support"), "quiet"],
    user.deactivated && [user.erased ? msg("Closed and erased") : msg("Closed"), "bad"],
    user.suspended && [msg("Suspended"), "bad"],
    user.locked && [msg("Locked"), "bad"],
    user.shadow_banned && [msg("Shadow-banned"), "bad"],
  ];
}

/** What the filter "status" asks of the server. */
const STATUS: Record<string, QueryParams<"listUsers">> = {
  open: { deactivated: false, locked: true },
  all: { locked: true },
  admin: { admins: true, locked: true },
  suspended: { suspended: true, locked: true },
  closed: { deactivated: true, locked: true },
};

/** All users of the server. */
@customElement("weft-admin-users")
export class WeftAdminUsers extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;
  @query("weft-admin-list") private list!: WeftAdminList;

  static override styles = [base, buttons, adminStyles];

  async #load(wish: Wish, signal: AbortSignal) {
    const { users, total } = await createUsersAdmin(this.client.api.http).list(
      {
        ...STATUS[wish.filters["status"] ?? "open"],
        from: Number(wish.from ?? 0),
        limit: wish.limit,
        dir: wish.dir,
        ...(wish.order === undefined
          ? {}
          : { order_by: wish.order as NonNullable<QueryParams<"listUsers">["order_by"]> }),
        ...(wish.search === "" ? {} : { name: wish.search }),
      },
      signal,
    );
    return byPlace(wish, users, total);
  }

  #listing(): Listing<ListedUser> {
    return {
      label: msg("Users"),
      searchLabel: msg("Name or address"),
      empty: msg("No user matches."),
      order: "name",
      filters: [
        {
          name: "status",
          label: msg("Show"),
          options: [
            ["open", msg("Open accounts")],
            ["all", msg("All accounts")],
            ["admin", msg("Administrators")],
            ["suspended", msg("Suspended accounts")],
            ["closed", msg("Closed accounts")],
          ],
        },
      ],
      columns: [
        {
          label: msg("User"),
          order: "name",
          cell: (user) =>
            person({ userId: user.name, name: user.displayname, avatar: user.avatar_url }),
        },
        { label: msg("State"), cell: (user) => tags(marksOf(user)) },
        {
          label: msg("Last seen"),
          order: "last_seen_ts",
          isNumber: true,
          cell: (user) => moment(user.last_seen_ts),
        },
        {
          label: msg("Since"),
          order: "creation_ts",
          isNumber: true,
          cell: (user) => moment(user.creation_ts),
        },
      ],
      keyOf: (user) => user.name,
      nameOf: (user) => plainName(user.displayname) ?? localName(user.name),
      menu: (user) => userActs(this.client, user, () => void this.list.reload()),
      load: (wish, signal) => this.#load(wish, signal),
    };
  }

  readonly #onCreate = (): void => {
    const act = createUser(this.client, () => void this.list.reload());
    openDialog({ kind: "act", act });
  };

  override render() {
    return html`<div class="bar">
        <h2>${msg("Users")}</h2>
        <a class="button" href=${hrefTo({ page: "admin", path: ["users", "import"] })}
          >${msg("Create many")}</a
        >
        <button type="button" class="button primary" @click=${this.#onCreate}>
          ${icon("userPlus")} ${msg("Create a user")}
        </button>
      </div>
      <weft-admin-list .listing=${this.#listing()} .place=${this.place}></weft-admin-list>`;
  }
}
