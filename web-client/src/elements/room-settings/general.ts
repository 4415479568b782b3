import { msg, str } from "@lit/localize";
import { css, html, nothing } from "lit";
import { customElement, query } from "lit/decorators.js";
import { canEncrypt } from "../../store/actions.ts";
import { isSpace, versionOf } from "../../store/room-features.ts";
import { confirmEncryption } from "../../store/turn-on-encryption.ts";
import "../avatar.ts";
import { icon } from "../icon.ts";
import { RoomSettingsSection } from "./section.ts";

/** Bytes that the specification lets a name have. */
const MAX_NAME = 255;

/** A room's name, topic and picture, and whether it is encrypted. */
@customElement("weft-room-general")
export class WeftRoomGeneral extends RoomSettingsSection {
  @query("input[type=file]") private file!: HTMLInputElement;

  static override styles = [
    ...[RoomSettingsSection.styles].flat(),
    css`
      .picture {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-3);
        margin-bottom: var(--space-4);
      }
      .state {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--space-2);
        margin: 0;
      }
    `,
  ];

  protected override check(name: string, value: string): string {
    const bytes = new TextEncoder().encode(value).length;
    if (name === "name" && bytes > MAX_NAME) return msg("This name is too long.");
    if (name === "topic" && bytes > 20_000) return msg("This topic is too long.");
    return "";
  }

  readonly #onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const { rooms } = this.client.api;
    for (const name of ["name", "topic"] as const) {
      const value = this.drafts[name]?.trim();
      if (value === undefined || this.check(name, value) !== "") continue;
      const save = (): Promise<unknown> =>
        name === "name"
          ? rooms.setState(this.roomId, "m.room.name", { name: value })
          : rooms.setState(this.roomId, "m.room.topic", { topic: value });
      const isSame = value === this.held(`m.room.${name}`, name);
      if (isSame || (await this.attempt(name, save, msg("Saved.")))) this.drop(name);
    }
  };

  #setPicture(picture: File | undefined): void {
    const { media, rooms } = this.client.api;
    void this.attempt(
      "picture",
      async () => {
        const url =
          picture === undefined
            ? ""
            : await media.upload(picture, picture.name, () => undefined).done;
        await rooms.setState(this.roomId, "m.room.avatar", url === "" ? {} : { url });
      },
      picture === undefined ? msg("The picture was removed.") : msg("The picture was changed."),
    );
  }

  readonly #onPicture = (): void => {
    const picture = this.file.files?.[0];
    this.file.value = "";
    if (picture !== undefined) this.#setPicture(picture);
  };

  #picture() {
    const summary = this.client.store.summary(this.roomId);
    const may = this.may("m.room.avatar") && !this.busy;
    return html`<div class="picture">
        <weft-avatar
          seed=${summary?.partner ?? this.roomId}
          name=${summary?.name ?? ""}
          .mxc=${summary?.avatarUrl}
          size="64"
        ></weft-avatar>
        <button
          type="button"
          class="button small"
          ?disabled=${!may}
          @click=${() => this.file.click()}
        >
          ${msg("Change picture")}
        </button>
        ${
          this.held("m.room.avatar", "url") === ""
            ? nothing
            : html`<button
                type="button"
                class="button small quiet"
                ?disabled=${!may}
                @click=${() => this.#setPicture(undefined)}
              >
                ${msg("Remove picture")}
              </button>`
        }
        <input type="file" accept="image/*" hidden @change=${this.#onPicture} />
      </div>
      ${this.wrong("picture")}`;
  }

  /** Encryption is turned on here for good; there is no way back. */
  #encryption() {
    const { room } = this;
    if (isSpace(room)) return nothing;
    const isOn = this.client.encryption.rooms.algorithm(room) !== "none";
    const may = this.may("m.room.encryption") && canEncrypt(this.client);
    return html`<h2>${msg("Encryption")}</h2>
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
      }`;
  }

  override render() {
    const [mayName, mayTopic] = [this.may("m.room.name"), this.may("m.room.topic")];
    const onInput = (name: string) => (event: Event) =>
      this.setDraft(name, (event.target as HTMLInputElement).value);
    return html`<form @submit=${this.#onSubmit} autocomplete="off">
        ${this.locked(mayName || mayTopic)} ${this.#picture()}
        <div class="field">
          <label for="name">${msg("Name")}</label>
          <input
            id="name"
            .value=${this.draft("name", this.held("m.room.name", "name"))}
            ?disabled=${!mayName}
            aria-invalid=${this.isWrong("name")}
            aria-describedby=${this.described("name")}
            @input=${onInput("name")}
          />
          ${this.wrong("name")}
        </div>
        <div class="field">
          <label for="topic">${msg("Topic")}</label>
          <textarea
            id="topic"
            rows="3"
            .value=${this.draft("topic", this.held("m.room.topic", "topic"))}
            ?disabled=${!mayTopic}
            aria-invalid=${this.isWrong("topic")}
            aria-describedby=${this.described("topic")}
            @input=${onInput("topic")}
          ></textarea>
          ${this.wrong("topic")}
        </div>
        ${mayName || mayTopic ? this.saveButtons() : nothing}
      </form>
      ${this.#encryption()}
      <h2>${msg("For support")}</h2>
      <p class="muted">
        ${msg(str`Room id: ${this.roomId}`)}<br />
        ${msg(str`Room version: ${versionOf(this.room)}`)}
      </p>`;
  }
}
