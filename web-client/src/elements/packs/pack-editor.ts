import { msg, str } from "@lit/localize";
import { html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { Watch } from "../../controllers/watch.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import {
  canEditPack,
  CODE,
  deletePack,
  isTooLarge,
  savePack,
  type EditedImage,
  type EditedPack,
} from "../../store/image-pack-edits.ts";
import type { ImagePack, Usage } from "../../store/image-packs.ts";
import { PictureError, uploadPicture } from "../../store/pack-upload.ts";
import { toast } from "../../store/toasts.ts";
import { packStyles } from "../../styles/packs.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { explain } from "../../text/problems.ts";
import "../emoticon.ts";
import { icon } from "../icon.ts";

/** A picture that is being edited; `key` tells the lines apart whatever is typed in them. */
interface Line extends EditedImage {
  key: string;
}

let added = 0;

/** One pack of pictures: what it is called, what for, and each picture with its code and what it shows. */
@customElement("weft-pack-editor")
export class WeftPackEditor extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) pack!: ImagePack;
  /** What is typed and not saved; undefined: nothing. */
  @state() private edited: { name: string; usage: readonly Usage[]; lines: Line[] } | undefined;
  @state() private busy = "";
  @state() private problem = "";
  @query("input[type=file]") private files!: HTMLInputElement;

  constructor() {
    super();
    new Watch(this, () => [this.client?.store.$list]);
  }

  static override styles = [base, buttons, forms, packStyles];

  #held(): { name: string; usage: readonly Usage[]; lines: Line[] } {
    const { name, usage, images } = this.pack;
    const lines = images.map(({ code, mxc, body }, at) => ({
      key: `${at}`,
      was: code,
      code,
      mxc,
      body: body === code ? "" : body,
    }));
    return { name, usage, lines };
  }

  get #shown(): { name: string; usage: readonly Usage[]; lines: Line[] } {
    return this.edited ?? this.#held();
  }

  #change(change: Partial<{ name: string; usage: readonly Usage[]; lines: Line[] }>): void {
    this.problem = "";
    this.edited = { ...this.#shown, ...change };
  }

  #changeLine(at: number, change: Partial<Line>): void {
    const { lines } = this.#shown;
    this.#change({ lines: lines.map((line, i) => (i === at ? { ...line, ...change } : line)) });
  }

  /** What is wrong with a line's code, in words; "" for nothing. */
  #wrong(at: number): string {
    const { lines } = this.#shown;
    const { code } = lines[at]!;
    if (code === "") return msg("Give it a name to write it by.");
    if (!CODE.test(code))
      return msg("Only letters from a to z, digits, - and _, and no more than 100 of them.");
    const isTwice = lines.some((line, i) => i < at && line.code === code);
    return isTwice ? msg("Another picture here has this name.") : "";
  }

  readonly #onFiles = async (): Promise<void> => {
    const files = [...(this.files.files ?? [])];
    this.files.value = "";
    for (const file of files) {
      this.busy = msg(str`Uploading ${file.name}…`);
      try {
        const taken = new Set(this.#shown.lines.map(({ code }) => code));
        const image = await uploadPicture(this.client, file, taken);
        this.#change({ lines: [...this.#shown.lines, { ...image, key: `new-${added++}` }] });
      } catch (error) {
        const why = error instanceof PictureError ? error.message : explain(error);
        this.problem = `${file.name}: ${why}`;
        break;
      }
    }
    this.busy = "";
  };

  readonly #onSave = async (event: Event): Promise<void> => {
    event.preventDefault();
    const { name, usage, lines } = this.#shown;
    if (lines.some((_, at) => this.#wrong(at) !== "")) return;
    const edited: EditedPack = {
      name: name.trim(),
      usage,
      images: lines.map(({ was, code, mxc, body, info }) => ({ was, code, mxc, body, info })),
    };
    if (isTooLarge(this.client, this.pack.place, edited)) {
      this.problem = msg("This is too much for one pack. Put some pictures into another.");
      return;
    }
    this.busy = msg("Saving…");
    try {
      await savePack(this.client, this.pack.place, edited);
      this.edited = undefined;
      toast(msg("Saved."));
      this.dispatchEvent(new CustomEvent("saved"));
    } catch (error) {
      this.problem = explain(error);
    }
    this.busy = "";
  };

  #delete(): void {
    const { name, images, place } = this.pack;
    openDialog({
      kind: "confirm",
      heading: msg(str`Delete the pack “${name}”?`),
      text: msg(
        str`Its pictures (${images.length}) can no longer be chosen. Messages that show them keep them. This cannot be undone.`,
      ),
      action: msg("Delete"),
      danger: true,
      run: async () => {
        await deletePack(this.client, place);
        this.edited = undefined;
        this.dispatchEvent(new CustomEvent("deleted"));
      },
    });
  }

  #remove(at: number): void {
    const { lines } = this.#shown;
    this.#change({ lines: lines.filter((_, i) => i !== at) });
    void this.updateComplete.then(() => {
      const left = this.renderRoot.querySelectorAll<HTMLElement>(".line .icon-button");
      (
        left[Math.min(at, left.length - 1)] ?? this.renderRoot.querySelector<HTMLElement>(".add")
      )?.focus();
    });
  }

  #line(line: Line, at: number, may: boolean) {
    const { key, code, mxc, body } = line;
    const wrong = may && this.edited !== undefined ? this.#wrong(at) : "";
    const typed = (event: Event): string => (event.target as HTMLInputElement).value;
    return html`<li class="line">
      <weft-emoticon lazy mxc=${mxc} name=${body || code}></weft-emoticon>
      <span class="one">
        <label for="code-${key}">${msg("Name")}</label>
        <input
          id="code-${key}"
          autocomplete="off"
          autocapitalize="none"
          spellcheck="false"
          .value=${code}
          ?readonly=${!may}
          aria-invalid=${wrong !== ""}
          aria-describedby=${wrong === "" ? nothing : `wrong-${key}`}
          @input=${(event: Event) => this.#changeLine(at, { code: typed(event).trim() })}
        />
        ${wrong === "" ? nothing : html`<span class="wrong" id="wrong-${key}">${wrong}</span>`}
      </span>
      <span class="one">
        <label for="body-${key}">${msg("What it shows")}</label>
        <input
          id="body-${key}"
          autocomplete="off"
          maxlength="200"
          .value=${body}
          ?readonly=${!may}
          @input=${(event: Event) => this.#changeLine(at, { body: typed(event) })}
        />
      </span>
      ${
        may
          ? html`<button
              type="button"
              class="icon-button"
              aria-label=${msg(str`Remove ${code}`)}
              title=${msg("Remove")}
              @click=${() => this.#remove(at)}
            >
              ${icon("trash")}
            </button>`
          : nothing
      }
    </li>`;
  }

  #about(may: boolean) {
    const { name, usage } = this.#shown;
    const chosen = usage.length === 1 ? usage[0]! : "both";
    const use = (value: string, label: string) =>
      html`<option value=${value} ?selected=${value === chosen}>${label}</option>`;
    const onUse = (event: Event): void => {
      const { value } = event.target as HTMLSelectElement;
      this.#change({ usage: value === "both" ? ["emoticon", "sticker"] : [value as Usage] });
    };
    return html`<div class="about">
      <span class="one">
        <label for="name">${msg("Name of the pack")}</label>
        <input
          id="name"
          autocomplete="off"
          maxlength="100"
          .value=${name}
          ?readonly=${!may}
          @input=${(event: Event) => this.#change({ name: (event.target as HTMLInputElement).value })}
        />
      </span>
      <span class="one">
        <label for="usage">${msg("Used as")}</label>
        <select id="usage" ?disabled=${!may} @change=${onUse}>
          ${use("both", msg("Emoji and stickers"))} ${use("emoticon", msg("Emoji only"))}
          ${use("sticker", msg("Stickers only"))}
        </select>
      </span>
    </div>`;
  }

  #tools() {
    const isSound = this.#shown.lines.every((_, at) => this.#wrong(at) === "");
    const isTouched = this.edited !== undefined;
    return html`<div class="tools">
        <button
          type="button"
          class="button add"
          ?disabled=${this.busy !== ""}
          @click=${() => this.files.click()}
        >
          ${icon("plus")} ${msg("Add pictures")}
        </button>
        <input
          type="file"
          accept="image/png,image/jpeg,image/gif,image/webp,image/avif,image/apng"
          multiple
          hidden
          aria-label=${msg("Add pictures")}
          @change=${() => void this.#onFiles()}
        />
        <button
          type="submit"
          class="button primary"
          ?disabled=${this.busy !== "" || !isTouched || !isSound}
        >
          ${msg("Save")}
        </button>
        ${
          isTouched
            ? html`<button
                type="button"
                class="button"
                ?disabled=${this.busy !== ""}
                @click=${() => (this.edited = undefined)}
              >
                ${msg("Discard changes")}
              </button>`
            : nothing
        }
        ${
          this.pack.images.length > 0 || this.pack.place !== "own"
            ? html`<button type="button" class="button quiet end" @click=${() => this.#delete()}>
                ${msg("Delete this pack")}
              </button>`
            : nothing
        }
      </div>
      <p class="hint">
        ${msg("Pictures are best square: 128 pixels for emoji, 512 for stickers.")}
      </p>`;
  }

  override render() {
    const may = canEditPack(this.client, this.pack.place);
    const { lines } = this.#shown;
    return html`<form @submit=${this.#onSave} autocomplete="off">
      ${this.#about(may)}
      ${
        lines.length === 0
          ? html`<p class="hint">${msg("There are no pictures in it yet.")}</p>`
          : html`<ul aria-label=${msg("Pictures")}>
              ${repeat(
                lines,
                ({ key }) => key,
                (line, at) => this.#line(line, at, may),
              )}
            </ul>`
      }
      ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
      ${this.busy === "" ? nothing : html`<p class="hint" role="status">${this.busy}</p>`}
      ${may ? this.#tools() : nothing}
    </form>`;
  }
}
