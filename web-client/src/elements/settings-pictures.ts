import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { choosePack } from "../store/image-pack-edits.ts";
import { chosenPacks, OF_USER, packOf, rawRoomPack } from "../store/image-packs.ts";
import { attempt } from "../store/toasts.ts";
import { packStyles } from "../styles/packs.ts";
import { base, buttons } from "../styles/shared.ts";
import "./packs/pack-editor.ts";

/** The pictures that one has at hand: one's own, and the packs of rooms that were chosen for everywhere. */
@customElement("weft-settings-pictures")
export class WeftSettingsPictures extends LitElement {
  @property({ attribute: false }) client!: Client;

  constructor() {
    super();
    new Watch(this, () => [this.client?.store.$list]);
  }

  static override styles = [base, buttons, packStyles];

  #chosen(place: { roomId: string; key: string }) {
    const { store } = this.client;
    const { roomId, key } = place;
    const room = store.room(roomId);
    const content = room?.membership === "join" ? rawRoomPack(room, key) : undefined;
    const pack = content && packOf(place, content, store.summary(roomId)?.name ?? roomId);
    const name = pack?.name ?? msg("A pack of a room that you are not in");
    const remove = async (): Promise<void> => {
      await attempt(() => choosePack(this.client, place, false));
      this.requestUpdate();
      await this.updateComplete;
      this.renderRoot.querySelector<HTMLElement>("#everywhere")?.focus();
    };
    return html`<li class="row">
      ${pack?.images[0] === undefined ? nothing : html`<weft-emoticon mxc=${pack.images[0].mxc}></weft-emoticon>`}
      <span class="grow"
        >${name}<br /><span class="muted">${store.summary(roomId)?.name ?? roomId}</span></span
      >
      <button
        type="button"
        class="button small"
        aria-label=${msg(str`No longer have “${name}” everywhere`)}
        @click=${() => void remove()}
      >
        ${msg("Remove")}
      </button>
    </li>`;
  }

  override render() {
    const own = packOf("own", this.client.store.accountData.get(OF_USER) ?? {}, "");
    const chosen = chosenPacks(this.client);
    return html`<h2>${msg("My pictures")}</h2>
      <p class="muted">
        ${msg("You have them at hand in every room: as stickers, and in a message by their names between colons, like :wave:. They lie on the server unencrypted.")}
      </p>
      <weft-pack-editor
        .client=${this.client}
        .pack=${own}
        @saved=${() => this.requestUpdate()}
        @deleted=${() => this.requestUpdate()}
      ></weft-pack-editor>
      <h2 id="everywhere" tabindex="-1">${msg("Packs of rooms, at hand everywhere")}</h2>
      ${
        chosen.length === 0
          ? html`<p class="muted">
              ${msg("None yet. You choose them in the settings of their rooms, under “Emoji and stickers”.")}
            </p>`
          : html`<ul aria-label=${msg("Packs of rooms, at hand everywhere")}>
              ${chosen.map((place) => this.#chosen(place))}
            </ul>`
      }`;
  }
}
