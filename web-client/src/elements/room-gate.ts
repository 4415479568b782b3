import { msg, str } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { text } from "../api/types.ts";
import { acceptInvite } from "../store/actions.ts";
import type { Client } from "../store/client.ts";
import type { Room } from "../store/room.ts";
import { hrefTo, navigate, type Route } from "../store/router.ts";
import { attempt } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import { icon } from "./icon.ts";
import "./avatar.ts";
import { plainName } from "../text/names.ts";

/** In front of a room that one is not in: an invitation to answer, or a door to try. */
@customElement("weft-room-gate")
export class WeftRoomGate extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room: Room | undefined;
  @property({ attribute: false }) place!: Extract<Route, { page: "room" }>;
  @state() private busy = false;

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: grid;
        place-items: center;
        height: 100%;
        padding: var(--space-4);
        overflow-y: auto;
      }
      section {
        display: grid;
        justify-items: center;
        gap: var(--space-2);
        max-width: 420px;
        text-align: center;
      }
      h1 {
        margin: var(--space-3) 0 0;
        font-size: 1.3em;
        overflow-wrap: anywhere;
      }
      p {
        margin: 0;
        color: var(--muted);
        overflow-wrap: anywhere;
      }
      .choices {
        display: flex;
        flex-wrap: wrap;
        justify-content: center;
        gap: var(--space-2);
        margin-top: var(--space-4);
      }
    `,
  ];

  async #do(work: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    await attempt(work);
    this.busy = false;
  }

  readonly #accept = (): Promise<void> => this.#do(() => acceptInvite(this.client, this.room!));

  readonly #decline = (): Promise<void> =>
    this.#do(async () => {
      const { roomId } = this.room!;
      await this.client.api.rooms.leave(roomId);
      await this.client.api.rooms.forget(roomId).catch(() => undefined);
      this.client.store.forget(roomId);
      navigate({ page: "home" });
    });

  readonly #join = (): Promise<void> =>
    this.#do(async () => {
      const roomId = await this.client.api.rooms.join(this.place.room, this.place.via);
      if (roomId !== this.place.room) navigate({ page: "room", room: roomId, via: [] }, true);
    });

  #invitation(room: Room) {
    const summary = this.client.store.summary(room.roomId);
    const name = summary?.name ?? room.roomId;
    const inviter = room.stateEvent("m.room.member", this.client.session.userId)?.sender ?? "";
    const topic = plainName(text(room.stateEvent("m.room.topic")?.content, "topic"));
    return html`<section>
      <weft-avatar
        seed=${summary?.partner ?? room.roomId}
        name=${name}
        .mxc=${summary?.avatarUrl}
        size="72"
      ></weft-avatar>
      <h1>${name}</h1>
      <p>${msg(str`${room.displayName(inviter)} (${inviter}) invites you.`)}</p>
      ${topic ? html`<p>${topic}</p>` : ""}
      <div class="choices">
        <button type="button" class="button primary" ?disabled=${this.busy} @click=${this.#accept}>
          ${this.busy ? msg("One moment…") : msg("Accept")}
        </button>
        <button type="button" class="button" ?disabled=${this.busy} @click=${this.#decline}>
          ${msg("Decline")}
        </button>
      </div>
    </section>`;
  }

  #heading(): string {
    if (this.room?.membership === "ban") return msg("You are banned from this room");
    if (this.room?.membership === "knock") return msg("You have asked to join this room");
    return msg("You are not in this room");
  }

  override render() {
    if (this.room?.membership === "invite") return this.#invitation(this.room);
    const banned = this.room?.membership === "ban";
    const knocked = this.room?.membership === "knock";
    return html`<section>
      ${icon("hash")}
      <h1>${this.#heading()}</h1>
      <p>${this.place.room}</p>
      <div class="choices">
        ${
          banned || knocked
            ? ""
            : html`<button
                type="button"
                class="button primary"
                ?disabled=${this.busy}
                @click=${this.#join}
              >
                ${this.busy ? msg("Joining…") : msg("Join")}
              </button>`
        }
        <a class="button" href=${hrefTo({ page: "home" })}>${msg("Back to the rooms")}</a>
      </div>
    </section>`;
  }
}
