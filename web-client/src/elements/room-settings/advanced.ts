import { msg, str } from "@lit/localize";
import { html, nothing, type PropertyValues } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { RetentionPolicy } from "../../api/directory.ts";
import { number, text } from "../../api/types.ts";
import { openDialog } from "../../store/dialogs.ts";
import { askToLeave } from "../../store/leaving.ts";
import { attempt } from "../../store/toasts.ts";
import { CREATOR_POWER, powerOf } from "../../store/power.ts";
import { isSpace, versionOf } from "../../store/room-features.ts";
import { hrefToRoom, navigate } from "../../store/router.ts";
import { RoomSettingsSection } from "./section.ts";

interface Versions {
  best: string;
  stable: string[];
}

const DAY = 86_400_000;

/** The room's version and its upgrade, how long messages are kept, and leaving. */
@customElement("weft-room-advanced")
export class WeftRoomAdvanced extends RoomSettingsSection {
  @state() private versions: Versions | undefined;
  /** What the server keeps messages for; null where it keeps them for ever. */
  @state() private retention: RetentionPolicy | null | undefined;

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("roomId")) void this.#load();
  }

  async #load(): Promise<void> {
    const { directory } = this.client.api;
    const capabilities = await directory.capabilities().catch(() => undefined);
    const known = capabilities?.["m.room_versions"];
    if (known !== undefined) {
      const stable = Object.keys(known.available).filter(
        (one) => known.available[one] === "stable",
      );
      this.versions = { best: known.default, stable };
    }
    const kept = await directory.retention().catch(() => undefined);
    this.retention = kept === undefined ? null : (kept.policies["*"] ?? {});
  }

  #upgrade(version: string): void {
    const { client, roomId, room } = this;
    const count = room.joinedCount ?? room.members("join").length;
    openDialog({
      kind: "confirm",
      heading: msg(str`Upgrade to version ${version}?`),
      text: msg(
        str`A new room is made, with the same name, settings and roles. This one is closed for new messages and points to it; what was said stays readable here. The ${count} people in it have to join the new room, those who were invited only by a new invitation. Its addresses move along. This cannot be undone.`,
      ),
      action: msg("Upgrade"),
      danger: true,
      run: async () => {
        const next = await client.api.directory.upgrade(roomId, version);
        navigate({ page: "room", room: next, via: [] });
      },
    });
  }

  #version() {
    const own = versionOf(this.room);
    const next = text(this.content("m.room.tombstone"), "replacement_room");
    const before = (this.content("m.room.create")?.["predecessor"] ?? {}) as Record<
      string,
      unknown
    >;
    const previous = typeof before["room_id"] === "string" ? before["room_id"] : undefined;
    const { versions } = this;
    const may = this.may("m.room.tombstone") && next === undefined;
    const chosen = this.draft("version", versions?.best ?? "");
    const loses = powerOf(this.room, this.client.session.userId) !== CREATOR_POWER;
    return html`<h2>${msg("Version")}</h2>
      <p>${msg(str`This is a room of version ${own}.`)}</p>
      ${next === undefined ? nothing : html`<p>${msg("It was replaced.")} <a href=${hrefToRoom(next)}>${msg("Go to the new one")}</a></p>`}
      ${previous === undefined ? nothing : html`<p><a href=${hrefToRoom(previous)}>${msg("Go to the room before this one")}</a></p>`}
      ${
        may && versions !== undefined
          ? html`<div class="field">
              <label for="version">${msg("Upgrade to")}</label>
              <div class="row">
                <select
                  id="version"
                  aria-describedby="version-hint"
                  @change=${(event: Event) =>
                    this.setDraft("version", (event.target as HTMLSelectElement).value)}
                >
                  ${versions.stable.map(
                    (one) =>
                      html`<option value=${one} ?selected=${one === chosen}>
                        ${one === versions.best ? msg(str`${one} (recommended)`) : one}
                      </option>`,
                  )}
                </select>
                <button
                  type="button"
                  class="button"
                  ?disabled=${this.busy || chosen === ""}
                  @click=${() => this.#upgrade(chosen)}
                >
                  ${msg("Upgrade…")}
                </button>
              </div>
              <p class="hint" id="version-hint">
                ${msg("An upgrade makes a new room. Do it when the version lacks something, or has a known fault.")}
                ${loses ? msg("Whoever upgrades is the creator of the new room.") : nothing}
              </p>
            </div>`
          : nothing
      }`;
  }

  #retention() {
    const { retention } = this;
    if (retention === undefined || isSpace(this.room)) return nothing;
    const own = number(this.content("m.room.retention"), "max_lifetime");
    const longest = retention?.max_lifetime ?? undefined;
    const days = (ms: number): number => Math.max(1, Math.round(ms / DAY));
    return html`<h2>${msg("How long messages are kept")}</h2>
      <p>
        ${
          retention === null
            ? msg("The server keeps messages until they are deleted.")
            : longest === undefined
              ? msg("The server sets no limit of its own.")
              : msg(
                  str`The server deletes messages after ${days(longest)} days, unless the room says otherwise.`,
                )
        }
        ${own === undefined ? nothing : msg(str`The room asks for ${days(own)} days.`)}
      </p>
      ${retention === null ? nothing : this.#retentionForm(own)}`;
  }

  protected override check(name: string, value: string): string {
    if (name !== "days" || value === "") return "";
    const days = Number(value);
    return Number.isInteger(days) && days >= 1 && days <= 36_500
      ? ""
      : msg("Write a whole number of days, from 1 to 36500, or nothing.");
  }

  readonly #onRetention = (event: Event): void => {
    event.preventDefault();
    if (this.check("days", this.draft("days", "")) !== "") return;
    const days = this.draft("days", "");
    const longest = days === "" ? undefined : Number(days) * DAY;
    const save = () => this.client.api.directory.setRetention(this.roomId, longest);
    openDialog({
      kind: "confirm",
      heading: msg("Change how long messages are kept?"),
      text:
        days === ""
          ? msg(
              "The room follows the server’s own rule again. What is deleted already stays deleted.",
            )
          : msg(
              str`Servers that heed this delete messages older than ${days} days, those that are there already included. They cannot be brought back.`,
            ),
      action: msg("Save"),
      danger: true,
      run: async () => {
        await save();
        this.drop("days");
      },
    });
  };

  #retentionForm(own: number | undefined) {
    const may = this.may("m.room.retention");
    const held = own === undefined ? "" : String(Math.round(own / DAY));
    return html`<form class="field" @submit=${this.#onRetention} autocomplete="off">
      <label for="days">${msg("Days that this room’s messages are kept")}</label>
      <div class="row">
        <input
          id="days"
          inputmode="numeric"
          ?disabled=${!may}
          .value=${this.draft("days", held)}
          aria-invalid=${this.isWrong("days")}
          aria-describedby=${this.described("days", "days-hint")}
          @input=${(event: Event) => this.setDraft("days", (event.target as HTMLInputElement).value.trim())}
        />
        <button
          type="submit"
          class="button"
          ?disabled=${!may || this.busy || !("days" in this.drafts) || !this.isSound}
        >
          ${msg("Save…")}
        </button>
      </div>
      <p class="hint" id="days-hint">${msg("Empty means that the server’s own rule counts.")}</p>
      ${this.wrong("days")}
    </form>`;
  }

  override render() {
    const name = this.client.store.summary(this.roomId)?.name ?? "";
    return html`${this.#version()} ${this.#retention()}
      <h2>${msg("Leave")}</h2>
      <button
        type="button"
        class="button danger"
        @click=${() => void attempt(() => askToLeave(this.client, this.room, name))}
      >
        ${isSpace(this.room) ? msg("Leave this space…") : msg("Leave this room…")}
      </button>`;
  }
}
