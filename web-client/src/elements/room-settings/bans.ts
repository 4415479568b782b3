import { msg, str } from "@lit/localize";
import { html, nothing, type PropertyValues } from "lit";
import { customElement, state } from "lit/decorators.js";
import { text } from "../../api/types.ts";
import { powerFor, powerOf } from "../../store/power.ts";
import { plainText } from "../../text/names.ts";
import "../avatar.ts";
import { RoomSettingsSection } from "./section.ts";

/** How many are drawn before one asks for more. */
const PAGE = 50;

/** Who is banned, by whom and why. */
@customElement("weft-room-bans")
export class WeftRoomBans extends RoomSettingsSection {
  @state() private limit = PAGE;

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("roomId")) {
      void this.attempt("", () => this.client.history.members(this.room));
    }
  }

  #one(userId: string, may: boolean) {
    const { room } = this;
    const event = room.stateEvent("m.room.member", userId);
    const name = room.displayName(userId);
    const by = event === undefined ? "" : room.displayName(event.sender);
    const reason = plainText(text(event?.content, "reason") ?? "").slice(0, 500);
    const lift = (): void =>
      void this.attempt(
        userId,
        () => this.client.api.rooms.unban(this.roomId, userId),
        msg(str`The ban on ${name} was lifted. They do not come back by themselves.`),
      );
    return html`<li>
      <weft-avatar seed=${userId} name=${name} size="32"></weft-avatar>
      <span class="grow"
        >${name}<br /><span class="muted"
          >${plainText(userId)} ·
          ${reason === "" ? msg(str`banned by ${by}`) : msg(str`banned by ${by}: ${reason}`)}</span
        ></span
      >
      <button
        type="button"
        class="button small"
        aria-label=${msg(str`Lift the ban on ${name}`)}
        ?disabled=${!may || this.busy}
        @click=${lift}
      >
        ${msg("Lift the ban")}
      </button>
      ${this.wrong(userId)}
    </li>`;
  }

  override render() {
    const { room } = this;
    const own = powerOf(room, this.client.session.userId);
    // Who lifts a ban needs both rights.
    const may = own >= powerFor(room, "ban") && own >= powerFor(room, "kick");
    const banned = room.members("ban");
    if (banned.length === 0) {
      return html`${this.wrong("")}
        <p class="muted">${msg("Nobody is banned from here.")}</p>`;
    }
    return html`${this.wrong("")}
      <ul class="list" aria-label=${msg("Banned people")}>
        ${banned.slice(0, this.limit).map(({ userId }) => this.#one(userId, may))}
      </ul>
      ${
        banned.length > this.limit
          ? html`<button type="button" class="button" @click=${() => (this.limit += PAGE)}>
              ${msg("More")}
            </button>`
          : nothing
      }`;
  }
}
