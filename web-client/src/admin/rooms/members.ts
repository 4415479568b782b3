import { msg, str } from "@lit/localize";
import type { QueryParams } from "@weft/spec/types";
import { html, LitElement } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { createRoomsAdmin, type RoomMember } from "../../api/admin/rooms.ts";
import type { MenuItem } from "../../elements/menu.ts";
import type { Act } from "../../store/acts.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { localName } from "../../store/room.ts";
import type { AdminRoute } from "../../store/router.ts";
import { toast } from "../../store/toasts.ts";
import { base, buttons } from "../../styles/shared.ts";
import { plainName } from "../../text/names.ts";
import { membershipName } from "../people/memberships.ts";
import { person, tags } from "../parts/facts.ts";
import "../parts/list.ts";
import type { WeftAdminList } from "../parts/list.ts";
import { byPlace, type Listing, type Wish } from "../parts/listing.ts";
import { adminStyles } from "../parts/styles.ts";

type Membership = NonNullable<QueryParams<"listRoomMembers">["membership"]>;

const nameOf = (member: RoomMember): string =>
  plainName(member.display_name) ?? localName(member.user_id);

function roleOf({ is_creator: isCreator, power_level: power }: RoomMember): string {
  if (isCreator) return msg("Creator");
  if ((power ?? 0) >= 100) return msg(str`Administrator (${power ?? 0})`);
  if ((power ?? 0) >= 50) return msg(str`Moderator (${power ?? 0})`);
  return msg(str`Member (${power ?? 0})`);
}

/** Who is in a room, the most powerful first. */
@customElement("weft-admin-members")
export class WeftAdminMembers extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) place!: AdminRoute;
  @property() roomId = "";
  @query("weft-admin-list") private list!: WeftAdminList;

  static override styles = [base, buttons, adminStyles];

  async #load(wish: Wish, signal: AbortSignal) {
    const { members, total } = await createRoomsAdmin(this.client.api.http).members(
      this.roomId,
      {
        from: Number(wish.from ?? 0),
        limit: wish.limit,
        membership: (wish.filters["membership"] ?? "join") as Membership,
        ...(wish.search === "" ? {} : { search_term: wish.search }),
      },
      signal,
    );
    return byPlace(wish, members, total);
  }

  #remove(member: RoomMember): Act {
    return {
      heading: msg("Remove from the room"),
      text: msg(str`${nameOf(member)} (${member.user_id}) is put out of the room.`),
      undo: msg("Unless you ban them, they can come back as the room allows."),
      fields: [
        { name: "reason", label: msg("Why (the room is told)"), type: "text" },
        { name: "ban", label: msg("Do not let them come back"), type: "tick" },
      ],
      action: msg("Remove"),
      isDanger: true,
      run: async (values) => {
        await createRoomsAdmin(this.client.api.http).remove(this.roomId, member.user_id, {
          ban: values["ban"] === "yes",
          ...(values["reason"] === "" ? {} : { reason: values["reason"]! }),
        });
        toast(msg("They were removed from the room."));
        void this.list.reload();
      },
    };
  }

  #makeAdmin(member: RoomMember): Act {
    return {
      heading: msg("Make administrator of the room"),
      text: msg(
        str`${nameOf(member)} (${member.user_id}) gets the greatest power that somebody of this server has in the room.`,
      ),
      undo: msg("Who has the same power in a room can hardly be made to give it up again."),
      action: msg("Make administrator"),
      run: async () => {
        await createRoomsAdmin(this.client.api.http).makeAdmin(this.roomId, member.user_id);
        toast(msg("They are an administrator of the room now."));
        void this.list.reload();
      },
    };
  }

  #menu(member: RoomMember): readonly MenuItem[] {
    const open = (act: Act) => (): void => openDialog({ kind: "act", act });
    return [
      {
        label: msg("Make administrator"),
        icon: "shield",
        run: open(this.#makeAdmin(member)),
      },
      {
        label: msg("Remove from the room"),
        icon: "ban",
        danger: true,
        run: open(this.#remove(member)),
      },
    ];
  }

  #listing(): Listing<RoomMember> {
    return {
      label: msg("People"),
      searchLabel: msg("Address"),
      empty: msg("Nobody matches."),
      filters: [
        {
          name: "membership",
          label: msg("Show"),
          options: ["join", "invite", "knock", "leave", "ban"].map(
            (one) => [one, membershipName(one)] as const,
          ),
        },
      ],
      columns: [
        {
          label: msg("User"),
          cell: (member) =>
            person({
              userId: member.user_id,
              name: member.display_name,
              avatar: member.avatar_url,
            }),
        },
        { label: msg("Role"), cell: roleOf },
        {
          label: msg("State"),
          cell: (member) => tags([!member.is_local && [msg("Of another server"), "quiet"]]),
        },
      ],
      keyOf: (member) => member.user_id,
      nameOf,
      menu: (member) => this.#menu(member),
      load: (wish, signal) => this.#load(wish, signal),
    };
  }

  override render() {
    return html`<weft-admin-list
      .listing=${this.#listing()}
      .place=${this.place}
    ></weft-admin-list>`;
  }
}
