import { msg, str } from "@lit/localize";
import { html, LitElement, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { Watch } from "../../controllers/watch.ts";
import type { Verification } from "../../encryption/port.ts";
import "../../elements/dialog.ts";
import "../../elements/encryption/qr-code.ts";
import { icon } from "../../elements/icon.ts";
import type { Client } from "../../store/client.ts";
import { $dialog, closeDialog, openDialog } from "../../store/dialogs.ts";
import { personName } from "../../store/people.ts";
import { report } from "../../store/toasts.ts";
import { encryptionStyles } from "../../styles/encryption.ts";
import { base, buttons } from "../../styles/shared.ts";
import { verificationStyles } from "../../styles/verification.ts";
import { endWords } from "../../text/encryption.ts";
import { explain } from "../../text/problems.ts";
import { hasCamera } from "../../text/qr.ts";
import { sasEmoji } from "../../text/sas-emoji.ts";

/** One verification, from asking to its end. Leaving the window ends it. */
@customElement("weft-verification")
export class WeftVerification extends LitElement {
  @property({ attribute: false }) client!: Client;
  /** The id of the verification. */
  @property({ attribute: false }) flow = "";
  @state() private scanning = false;
  @state() private busy = false;
  @state() private problem = "";
  #phase: Verification["phase"] | undefined;

  constructor() {
    super();
    new Watch(this, () => [this.client?.encryption.$verifications, this.client?.store.$list]);
  }

  static override styles = [base, buttons, encryptionStyles, verificationStyles];

  get #now(): Verification | undefined {
    return this.client.encryption.$verifications.get().find(({ id }) => id === this.flow);
  }

  override disconnectedCallback(): void {
    const { verification } = this.client.encryption;
    const now = this.#now;
    super.disconnectedCallback();
    if (now === undefined) return;
    const isOver = now.phase === "done" || now.phase === "cancelled";
    const ended = isOver ? Promise.resolve() : verification.cancel(this.flow);
    ended.catch(() => undefined).finally(() => verification.dismiss(this.flow));
  }

  override willUpdate(): void {
    const now = this.#now;
    if (now === undefined || now.phase === this.#phase) return;
    this.#phase = now.phase;
    this.busy = false;
    this.problem = "";
    if (now.phase !== "ready") this.scanning = false;
    // What is shown is another thing now: whoever does not see it hears where they are.
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector<HTMLElement>("[data-first]")?.focus(),
    );
  }

  override updated(): void {
    const shown = $dialog.get();
    const isShown = shown?.kind === "verification" && shown.id === this.flow;
    if (this.#now === undefined && this.#phase !== undefined && isShown) closeDialog();
  }

  async #do(step: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    this.problem = "";
    try {
      await step();
    } catch (error) {
      this.problem = explain(error);
    }
    this.busy = false;
  }

  #name(now: Verification): string {
    return now.isSelf ? msg("the other device") : personName(this.client, now.userId, now.roomId);
  }

  #button(label: string, step: () => Promise<unknown>, kind = "primary"): TemplateResult {
    return html`<button
      type="button"
      class="button ${kind}"
      ?disabled=${this.busy}
      @click=${() => void this.#do(step)}
    >
      ${label}
    </button>`;
  }

  #waiting(words: string): TemplateResult {
    return html`<div class="working" role="status" tabindex="-1" data-first>
        <span class="spinner" aria-hidden="true"></span>${words}
      </div>
      <div class="actions">
        <button type="button" class="button" @click=${closeDialog}>${msg("Cancel")}</button>
      </div>`;
  }

  #waitingWords(now: Verification): string {
    if (now.isSelf) return msg("Open your other device and accept the verification there.");
    const room = now.roomId === undefined ? undefined : this.client.store.room(now.roomId);
    const name = this.#name(now);
    return room?.member(now.userId)?.membership === "invite"
      ? msg(str`Waiting for ${name} to accept the invitation to your chat, where the request is…`)
      : msg(str`Waiting for ${name} to accept…`);
  }

  #asked(now: Verification): TemplateResult {
    const { verification } = this.client.encryption;
    const name = this.#name(now);
    return html`<div class="lead" tabindex="-1" data-first>
        ${icon("shield")}
        <p>
          ${
            now.isSelf
              ? msg(
                  "Another device of yours asks to be verified. Go on only if you have it in front of you.",
                )
              : msg(
                  str`${name} (${now.userId}) wants to verify that you two are talking to one another and to nobody in between. Meet, or call each other.`,
                )
          }
        </p>
      </div>
      <div class="actions">
        <button type="button" class="button" @click=${closeDialog}>${msg("Decline")}</button>
        ${this.#button(msg("Continue"), () => verification.accept(now.id))}
      </div>`;
  }

  #ready(now: Verification): TemplateResult {
    const { verification } = this.client.encryption;
    const emoji = now.canEmoji
      ? this.#button(
          msg("Compare emoji"),
          () => verification.startEmoji(now.id),
          now.qr === undefined ? "primary" : "",
        )
      : "";
    const scan =
      now.canScanQr && hasCamera()
        ? html`<button type="button" class="button" @click=${() => (this.scanning = true)}>
            ${icon("scan")} ${msg("Scan their code")}
          </button>`
        : "";
    if (this.scanning) return this.#scanner(now);
    const words =
      now.qr === undefined
        ? msg("Both sides are ready. You see seven emoji next, and compare them.")
        : now.isSelf
          ? msg("Scan this code with your other device, or choose another way.")
          : msg(str`Let ${this.#name(now)} scan this code, or choose another way.`);
    return html`<p tabindex="-1" data-first>${words}</p>
      ${now.qr === undefined ? "" : html`<weft-qr-code .bytes=${now.qr} label=${msg("QR code for the other device")}></weft-qr-code>`}
      ${now.canEmoji || now.qr !== undefined || scan !== "" ? "" : html`<p>${msg("The other app knows no way of verifying that Weft knows.")}</p>`}
      <div class="actions centred">${scan} ${emoji}</div>`;
  }

  #scanner(now: Verification): TemplateResult {
    const { verification } = this.client.encryption;
    const onScanned = (event: CustomEvent<Uint8Array>): void =>
      void this.#do(async () => {
        try {
          await verification.scanned(now.id, event.detail);
        } catch (error) {
          this.scanning = false;
          throw error;
        }
      });
    import("../../elements/encryption/qr-scanner.ts").catch(report);
    return html`<p tabindex="-1" data-first>
        ${msg("Hold the other device’s code in front of the camera.")}
      </p>
      <weft-qr-scanner @scanned=${onScanned}></weft-qr-scanner>
      <div class="actions">
        <button type="button" class="button" @click=${() => (this.scanning = false)}>
          ${msg("Back")}
        </button>
      </div>`;
  }

  #compare(now: Verification): TemplateResult {
    const { verification } = this.client.encryption;
    const shown =
      now.emoji === undefined
        ? html`<p class="decimals">${now.decimals?.join("  ")}</p>`
        : html`<ol class="emoji" aria-label=${msg("The emoji to compare")}>
            ${sasEmoji(now.emoji.map(({ number }) => number)).map(
              ({ symbol, name }) =>
                html`<li><span aria-hidden="true">${symbol}</span><span>${name}</span></li>`,
            )}
          </ol>`;
    return html`<p tabindex="-1" data-first>
        ${
          now.isSelf
            ? msg("Does your other device show the same, in the same order?")
            : msg(str`Read these to ${this.#name(now)}. Do they see the same, in the same order?`)
        }
      </p>
      ${shown}
      <div class="actions">
        ${this.#button(msg("They differ"), () => verification.cancel(now.id, "mismatch"), "")}
        ${this.#button(msg("They match"), () => verification.confirm(now.id))}
      </div>`;
  }

  #scanned(now: Verification): TemplateResult {
    const { verification } = this.client.encryption;
    return html`<div class="lead" tabindex="-1" data-first>
        ${icon("scan")}
        <p>
          ${
            now.isSelf
              ? msg("Your other device has scanned the code. Does it show that it worked?")
              : msg(str`The code was scanned. Does ${this.#name(now)} see that it worked?`)
          }
        </p>
      </div>
      <div class="actions">
        ${this.#button(msg("No"), () => verification.cancel(now.id, "mismatch"), "")}
        ${this.#button(msg("Yes"), () => verification.confirm(now.id))}
      </div>`;
  }

  #done(now: Verification): TemplateResult {
    return html`<div class="end" tabindex="-1" data-first role="status">
        ${icon("shieldCheck")}
        <p>
          <b>${now.isSelf ? msg("Verified") : msg(str`${this.#name(now)} is verified`)}</b>
          ${
            now.isSelf
              ? msg(
                  "Your devices trust one another now. Earlier messages become readable as their keys arrive.",
                )
              : msg("You can be sure that your encrypted messages reach nobody else.")
          }
        </p>
      </div>
      <div class="actions">
        <button type="button" class="button primary" @click=${closeDialog}>${msg("Done")}</button>
      </div>`;
  }

  #cancelled(now: Verification): TemplateResult {
    const name = now.isSelf ? msg("The other device") : this.#name(now);
    const again = (): Promise<void> =>
      this.#do(async () => {
        const id = await this.client.encryption.verification.request(now.userId, now.deviceId);
        openDialog({ kind: "verification", id });
      });
    return html`<div class="end over" tabindex="-1" data-first role="alert">
        ${icon("shieldAlert")}
        <p>
          <b>${msg("Not verified")}</b>
          ${now.end === undefined ? msg("The verification was stopped.") : endWords(now.end, name)}
        </p>
      </div>
      <div class="actions">
        <button type="button" class="button" @click=${closeDialog}>${msg("Close")}</button>
        ${now.end?.code === "m.accepted" ? "" : html`<button type="button" class="button primary" ?disabled=${this.busy} @click=${() => void again()}>${msg("Try again")}</button>`}
      </div>`;
  }

  // oxlint-disable-next-line consistent-return -- the switch knows every phase
  #body(now: Verification): TemplateResult {
    switch (now.phase) {
      case "asked":
        return this.#asked(now);
      case "waiting":
        return this.#waiting(this.#waitingWords(now));
      case "ready":
        return this.#ready(now);
      case "starting":
        return this.#waiting(msg("Getting ready…"));
      case "emoji":
        return this.#compare(now);
      case "scanned":
        return this.#scanned(now);
      case "confirming":
        return this.#waiting(
          now.isSelf
            ? msg("Waiting for your other device to confirm…")
            : msg(str`Waiting for ${this.#name(now)} to confirm…`),
        );
      case "done":
        return this.#done(now);
      case "cancelled":
        return this.#cancelled(now);
    }
  }

  override render() {
    const now = this.#now;
    const heading =
      now === undefined || now.isSelf
        ? msg("Verify a device")
        : msg(str`Verify ${this.#name(now)}`);
    return html`<weft-dialog heading=${heading}>
      ${this.problem === "" ? "" : html`<p class="problem" role="alert">${this.problem}</p>`}
      ${now === undefined ? html`<div class="working" role="status">${msg("One moment…")}</div>` : this.#body(now)}
    </weft-dialog>`;
  }
}
