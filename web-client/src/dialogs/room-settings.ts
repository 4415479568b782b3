import { msg, str } from "@lit/localize";
import { css, html, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { text } from "../api/types.ts";
import { canEncrypt } from "../store/actions.ts";
import { canSend, joinRule } from "../store/power.ts";
import type { Room } from "../store/room.ts";
import { attempt, toast } from "../store/toasts.ts";
import { confirmEncryption } from "../store/turn-on-encryption.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import "../elements/avatar.ts";
import { icon } from "../elements/icon.ts";
import { field, FormDialog } from "./form-dialog.ts";

/** A room's name, topic, picture and door. What one may not change is shown as it is. */
@customElement("weft-room-settings")
export class WeftRoomSettings extends FormDialog {
  @property({ attribute: false }) roomId = "";
  @query("input[type=file]") private file!: HTMLInputElement;

  static override styles = [
    base,
    buttons,
    forms,
    css`
      .picture {
        display: flex;
        align-items: center;
        gap: var(--space-4);
        margin-bottom: var(--space-4);
      }
      .state {
        display: flex;
        align-items: center;
        gap: var(--space-2);
        margin: 0;
      }
      .facts {
        color: var(--muted);
        font-size: 0.87em;
        overflow-wrap: anywhere;
      }
    `,
  ];

  get #room(): Room {
    return this.client.store.ensure(this.roomId);
  }

  #may(type: string): boolean {
    return canSend(this.#room, this.client.session.userId, type, true);
  }

  #content(type: string, key: string): string {
    return text(this.#room.stateEvent(type)?.content, key) ?? "";
  }

  protected override async submit(data: FormData): Promise<boolean> {
    const { roomId } = this;
    const { rooms } = this.client.api;
    const name = field(data, "name");
    const topic = field(data, "topic");
    const rule = field(data, "access");
    const changes = (type: string, key: string, value: string) =>
      this.#may(type) && value !== this.#content(type, key);
    if (changes("m.room.name", "name", name)) await rooms.setState(roomId, "m.room.name", { name });
    if (changes("m.room.topic", "topic", topic)) {
      await rooms.setState(roomId, "m.room.topic", { topic });
    }
    const isOffered = rule === "public" || rule === "invite";
    if (isOffered && changes("m.room.join_rules", "join_rule", rule)) {
      await rooms.setState(roomId, "m.room.join_rules", { join_rule: rule });
    }
    return true;
  }

  readonly #onPicture = (): void => {
    const picture = this.file.files?.[0];
    this.file.value = "";
    if (picture === undefined) return;
    void attempt(async () => {
      const mxc = await this.client.api.media.upload(picture, picture.name, () => undefined).done;
      await this.client.api.rooms.setState(this.roomId, "m.room.avatar", { url: mxc });
      toast(msg("The picture was changed."));
    });
  };

  #door() {
    const rule = joinRule(this.#room);
    const known = rule === "public" || rule === "invite";
    return html`<div class="field">
      <label for="access">${msg("Who may join")}</label>
      <select id="access" name="access" ?disabled=${!this.#may("m.room.join_rules") || !known}>
        <option value="invite" ?selected=${rule === "invite"}>
          ${msg("Only people who are invited")}
        </option>
        <option value="public" ?selected=${rule === "public"}>${msg("Everyone")}</option>
        ${known ? nothing : html`<option value="" selected>${rule}</option>`}
      </select>
    </div>`;
  }

  /** Encryption is turned on here for good; there is no way back. */
  #encryption() {
    const room = this.#room;
    const isOn = this.client.encryption.rooms.algorithm(room) !== "none";
    const may = this.#may("m.room.encryption") && canEncrypt(this.client);
    return html`<div class="field encryption">
      <span class="label">${msg("Encryption")}</span>
      ${
        isOn
          ? html`<p class="state">${icon("lock")} ${msg("On. It cannot be turned off again.")}</p>`
          : html`<p class="state">
              ${icon("lockOpen")} ${msg("Off")}
              <button
                type="button"
                class="button small"
                ?disabled=${!may}
                @click=${() => confirmEncryption(this.client, room)}
              >
                ${msg("Turn on")}
              </button>
            </p>`
      }
    </div>`;
  }

  override render() {
    const room = this.#room;
    const summary = this.client.store.summary(this.roomId);
    const version = text(room.stateEvent("m.room.create")?.content, "room_version") ?? "1";
    const alias = this.#content("m.room.canonical_alias", "alias");
    return this.form(
      msg("Room settings"),
      msg("Save"),
      html`<div class="picture">
          <weft-avatar
            seed=${this.roomId}
            name=${summary?.name ?? ""}
            .mxc=${summary?.avatarUrl}
            size="64"
          ></weft-avatar>
          <button
            type="button"
            class="button small"
            ?disabled=${!this.#may("m.room.avatar")}
            @click=${() => this.file.click()}
          >
            ${msg("Change picture")}
          </button>
          <input type="file" accept="image/*" hidden @change=${this.#onPicture} />
        </div>
        <div class="field">
          <label for="name">${msg("Name")}</label>
          <input
            id="name"
            name="name"
            .value=${this.#content("m.room.name", "name")}
            ?disabled=${!this.#may("m.room.name")}
          />
        </div>
        <div class="field">
          <label for="topic">${msg("Topic")}</label>
          <textarea
            id="topic"
            name="topic"
            rows="2"
            .value=${this.#content("m.room.topic", "topic")}
            ?disabled=${!this.#may("m.room.topic")}
          ></textarea>
        </div>
        ${this.#door()} ${this.#encryption()}
        <p class="facts">
          ${alias === "" ? nothing : html`${msg(str`Address: ${alias}`)}<br />`}
          ${msg(str`Room id: ${this.roomId}`)}<br />
          ${msg(str`Room version: ${version}`)}
        </p>`,
    );
  }
}
