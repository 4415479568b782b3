import { msg, str } from "@lit/localize";
import { html, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { NewRoom } from "../api/rooms.ts";
import { createRoom, serverOf } from "../store/actions.ts";
import { attempt } from "../store/toasts.ts";
import { addToSpace, inSpaceState } from "../store/space-actions.ts";
import { navigate } from "../store/router.ts";
import { encryptionChoice } from "./encryption/choice.ts";
import { field, FormDialog } from "./form-dialog.ts";

/** Makes a room: its name, topic and who may come in. */
@customElement("weft-create-room")
export class WeftCreateRoom extends FormDialog {
  /** The space in which it is made. */
  @property({ attribute: false }) spaceId: string | undefined;
  @state() private access: "invite" | "space" | "public" = "invite";

  protected override async submit(data: FormData): Promise<boolean> {
    const alias = field(data, "alias").replace(/^#/, "").split(":")[0]!;
    const topic = field(data, "topic");
    const room: NewRoom = {
      name: field(data, "name"),
      visibility: this.#isOpen && data.get("listed") !== null ? "public" : "private",
      preset: this.#isOpen ? "public_chat" : "private_chat",
    };
    if (this.spaceId !== undefined) {
      room.initial_state = inSpaceState(this.client, this.spaceId, this.access === "space");
    }
    if (topic !== "") room.topic = topic;
    if (this.#isOpen && alias !== "") room.room_alias_name = alias;
    const roomId = await createRoom(this.client, room, data.get("encrypted") !== null);
    const { spaceId } = this;
    // The room is there: created once more it would be there twice.
    if (spaceId !== undefined) await attempt(() => addToSpace(this.client, spaceId, roomId));
    navigate({ page: "room", room: roomId, via: [] });
    return true;
  }

  get #isOpen(): boolean {
    return this.access === "public";
  }

  #publicFields() {
    if (!this.#isOpen) return nothing;
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

  #access(access: typeof this.access, label: string) {
    return html`<label class="choice">
      <input
        type="radio"
        name="access"
        ?checked=${this.access === access}
        @change=${() => (this.access = access)}
      />
      ${label}
    </label>`;
  }

  override firstUpdated(): void {
    if (this.spaceId !== undefined) this.access = "space";
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
          ${this.#access("invite", msg("Only people who are invited"))}
          ${
            this.spaceId === undefined
              ? nothing
              : this.#access("space", msg("Everyone in the space"))
          }
          ${this.#access("public", msg("Everyone"))}
        </div>
        ${this.#publicFields()}
        ${encryptionChoice(this.client, this.#isOpen ? "public" : "private")}`,
    );
  }
}
