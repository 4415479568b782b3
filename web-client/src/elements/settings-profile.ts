import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import type { Profile } from "../api/types.ts";
import type { Client } from "../store/client.ts";
import { localName } from "../store/room.ts";
import { attempt, toast } from "../store/toasts.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import "./avatar.ts";

/** The name and picture that others see. */
@customElement("weft-settings-profile")
export class WeftSettingsProfile extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private profile: Profile = {};
  @state() private busy = false;
  @query("#name") private name!: HTMLInputElement;
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
        margin-bottom: var(--space-5);
      }
      .choices {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
      }
    `,
  ];

  override firstUpdated(): void {
    void this.#load();
  }

  async #load(): Promise<void> {
    this.profile = (await attempt(() => this.client.api.account.profile())) ?? {};
  }

  /** Saves a change and lets the sidebar know. */
  async #save(change: Profile, work: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    const done = await attempt(async () => {
      await work();
      return true;
    });
    this.busy = false;
    if (done === undefined) return;
    this.profile = { ...this.profile, ...change };
    window.dispatchEvent(new Event("weft-profile"));
    toast(msg("Saved."));
  }

  readonly #onSubmit = (event: Event): void => {
    event.preventDefault();
    const displayname = this.name.value.trim();
    void this.#save({ displayname }, () => this.client.api.account.setDisplayName(displayname));
  };

  readonly #onPicture = (): void => {
    const picture = this.file.files?.[0];
    this.file.value = "";
    if (picture === undefined) return;
    const change: Profile = {};
    void this.#save(change, async () => {
      const mxc = await this.client.api.media.upload(picture, picture.name, () => undefined).done;
      change.avatar_url = mxc;
      await this.client.api.account.setAvatar(mxc);
    });
  };

  override render() {
    const { userId } = this.client.session;
    return html`<form @submit=${this.#onSubmit}>
      <div class="picture">
        <weft-avatar
          seed=${userId}
          name=${this.profile.displayname || localName(userId)}
          .mxc=${this.profile.avatar_url}
          size="76"
        ></weft-avatar>
        <div class="choices">
          <button
            type="button"
            class="button"
            ?disabled=${this.busy}
            @click=${() => this.file.click()}
          >
            ${msg("Change picture")}
          </button>
          ${
            this.profile.avatar_url
              ? html`<button
                  type="button"
                  class="button quiet"
                  ?disabled=${this.busy}
                  @click=${() => void this.#save({ avatar_url: "" }, () => this.client.api.account.setAvatar(""))}
                >
                  ${msg("Remove picture")}
                </button>`
              : ""
          }
          <input type="file" accept="image/*" hidden @change=${this.#onPicture} />
        </div>
      </div>
      <div class="field">
        <label for="name">${msg("Display name")}</label>
        <input
          id="name"
          autocomplete="name"
          maxlength="100"
          .value=${this.profile.displayname ?? ""}
        />
      </div>
      <div class="field">
        <span class="label">${msg("Address")}</span>
        <span>${userId}</span>
      </div>
      <button type="submit" class="button primary" ?disabled=${this.busy}>${msg("Save")}</button>
    </form>`;
  }
}
