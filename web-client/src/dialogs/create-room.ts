import { msg, str } from "@lit/localize";
import { html, nothing } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { NewRoom } from "../api/rooms.ts";
import { createRoom, serverOf } from "../store/actions.ts";
import { navigate } from "../store/router.ts";
import { encryptionChoice } from "./encryption/choice.ts";
import { field, FormDialog } from "./form-dialog.ts";

/** Makes a room: its name, topic and who may come in. */
@customElement("weft-create-room")
export class WeftCreateRoom extends FormDialog {
  @state() private open = false;

  protected override async submit(data: FormData): Promise<boolean> {
    const alias = field(data, "alias").replace(/^#/, "").split(":")[0]!;
    const topic = field(data, "topic");
    const room: NewRoom = {
      name: field(data, "name"),
      visibility: this.open && data.get("listed") !== null ? "public" : "private",
      preset: this.open ? "public_chat" : "private_chat",
    };
    if (topic !== "") room.topic = topic;
    if (this.open && alias !== "") room.room_alias_name = alias;
    const roomId = await createRoom(this.client, room, data.get("encrypted") !== null);
    navigate({ page: "room", room: roomId, via: [] });
    return true;
  }

  #publicFields() {
    if (!this.open) return nothing;
    const server = serverOf(this.client.session.userId);
    return html`<div class="field">
        <label for="alias">${msg("Address")}</label>
        <input
          id="alias"
          name="alias"
          spellcheck="false"
          placeholder="my-room"
          aria-describedby="alias-hint"
        />
        <p class="hint" id="alias-hint">${msg(str`People find the room as #address:${server}`)}</p>
      </div>
      <label class="choice field">
        <input type="checkbox" name="listed" checked />${msg("List it in the public directory")}
      </label>`;
  }

  override render() {
    return this.form(
      msg("Create a room"),
      msg("Create"),
      html`<div class="field">
          <label for="name">${msg("Name")}</label>
          <input id="name" name="name" required autofocus maxlength="120" />
        </div>
        <div class="field">
          <label for="topic">${msg("What is it about?")}</label>
          <input id="topic" name="topic" maxlength="400" />
        </div>
        <div class="field" role="radiogroup" aria-label=${msg("Who may join")}>
          <label class="choice">
            <input
              type="radio"
              name="access"
              ?checked=${!this.open}
              @change=${() => (this.open = false)}
            />
            ${msg("Only people who are invited")}
          </label>
          <label class="choice">
            <input
              type="radio"
              name="access"
              ?checked=${this.open}
              @change=${() => (this.open = true)}
            />
            ${msg("Everyone")}
          </label>
        </div>
        ${this.#publicFields()} ${encryptionChoice(this.client, this.open ? "public" : "private")}`,
    );
  }
}
