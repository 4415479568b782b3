import { msg, str } from "@lit/localize";
import { html, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { setIgnored } from "../store/ignored.ts";
import { toast } from "../store/toasts.ts";
import { field, FormDialog } from "./form-dialog.ts";

/** Tells whoever runs the server of a message, a room or a person that should not be, and says what becomes of it. */
@customElement("weft-report")
export class WeftReport extends FormDialog {
  /** The room, or the one of the message. */
  @property({ attribute: false }) roomId = "";
  /** The message. */
  @property({ attribute: false }) eventId = "";
  /** The person. */
  @property({ attribute: false }) userId = "";
  /** What the room or person is called. */
  @property() name = "";

  /** Whom one can ignore along with it: the one reported, or the sender of the message. */
  get #person(): string | undefined {
    if (this.userId !== "") return this.userId;
    const room = this.client.store.room(this.roomId);
    const sender = room?.timeline.find(this.eventId)?.event.sender;
    return sender === this.client.session.userId ? undefined : sender;
  }

  #send(reason: string): Promise<unknown> {
    const { directory, rooms } = this.client.api;
    if (this.userId !== "") return directory.reportUser(this.userId, reason);
    if (this.eventId !== "") return rooms.report(this.roomId, this.eventId, reason);
    return directory.reportRoom(this.roomId, reason);
  }

  protected override async submit(data: FormData): Promise<boolean> {
    const person = this.#person;
    await this.#send(field(data, "reason"));
    const isIgnored = person !== undefined && data.get("ignore") !== null;
    if (isIgnored) await setIgnored(this.client, person, true);
    toast(
      isIgnored
        ? msg("Thank you. Your report was sent, and you see nothing more of this person.")
        : msg("Thank you. Your report was sent to whoever runs the server."),
    );
    return true;
  }

  #heading(): string {
    if (this.userId !== "") return msg(str`Report ${this.name}`);
    return this.eventId !== ""
      ? msg("Report this message")
      : msg(str`Report the room ${this.name}`);
  }

  #whatIsSeen(): string {
    if (this.userId !== "") {
      return msg(
        "They see who is reported, by whom and your words; not what was said in encrypted rooms.",
      );
    }
    return this.eventId !== ""
      ? msg("They see the message, the room, who reports it and your words.")
      : msg("They see the room, who reports it and your words.");
  }

  override render() {
    return this.form(
      this.#heading(),
      msg("Report"),
      html`<p>
          ${msg("The report goes to the people who run your server.")} ${this.#whatIsSeen()}
          ${msg("They decide what to do, such as removing messages or closing accounts. Nobody else is told of the report, and you may get no answer.")}
        </p>
        <div class="field">
          <label for="reason">${msg("What is wrong with it?")}</label>
          <textarea id="reason" name="reason" rows="3" required autofocus></textarea>
        </div>
        ${
          this.#person === undefined
            ? nothing
            : html`<label class="choice">
                <input type="checkbox" name="ignore" />${msg("Also ignore this person")}
              </label>`
        }`,
    );
  }
}
