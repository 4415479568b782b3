import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { createNoticesAdmin, type NoticeSending } from "../../api/admin/notices.ts";
import { text } from "../../api/types.ts";
import type { Client } from "../../store/client.ts";
import { attempt } from "../../store/toasts.ts";
import { base, buttons } from "../../styles/shared.ts";
import { plainText } from "../../text/names.ts";
import { workStyles } from "../background/styles.ts";
import { Again } from "../parts/again.ts";
import { count, hrefToUser, moment, tags, type Tag } from "../parts/facts.ts";
import { Loaded } from "../parts/loaded.ts";
import { adminStyles } from "../parts/styles.ts";

/** Letters of a notice that are shown. */
const MAX_TEXT = 200;
/** Milliseconds between two looks while something is under way, and while nothing is. */
const [SOON, LATER] = [1_500, 15_000];

const isUnderWay = ({ state }: NoticeSending): boolean =>
  state === "waiting" || state === "running";

function stateOf({ state, failed }: NoticeSending): Tag {
  if (state === "waiting") return [msg("Waits its turn"), "quiet"];
  if (state === "running") return [msg("Being sent")];
  if (state === "stopped") return [msg("Stopped"), "quiet"];
  return failed === 0 ? [msg("Everybody was told")] : [msg("Sent, but not to everybody"), "bad"];
}

const cut = (words: string): string =>
  words.length > MAX_TEXT ? `${words.slice(0, MAX_TEXT).toWellFormed()}…` : words;

/** What was said to many in the last week, and how far it is. The server sends it, whether this page is open or not. */
@customElement("weft-admin-notice-sendings")
export class WeftAdminNoticeSendings extends LitElement {
  @property({ attribute: false }) client!: Client;
  readonly #all = new Loaded<readonly NoticeSending[]>(this, async (signal) => {
    return (await createNoticesAdmin(this.client.api.http).list(signal)).notices;
  });
  readonly #again = new Again(
    this,
    () => this.#all.load(),
    () => (this.#all.value?.some(isUnderWay) === true ? SOON : LATER),
  );

  static override styles = [
    base,
    buttons,
    adminStyles,
    workStyles,
    css`
      h4 {
        margin: 0;
        font-size: 1em;
        font-weight: 600;
      }
      .said {
        margin: 0;
        overflow-wrap: anywhere;
        white-space: pre-wrap;
      }
      .failed-ones {
        margin: 0;
        padding-inline-start: var(--space-5);
        font-size: 0.92em;
        overflow-wrap: anywhere;
      }
    `,
  ];

  /** Looks at once: something was begun. */
  look(): Promise<void> {
    return this.#again.now();
  }

  async #set(work: () => Promise<unknown>): Promise<void> {
    await attempt(work);
    await this.look();
  }

  #acts(sending: NoticeSending) {
    const { notice_id: id, state, told, total } = sending;
    const api = createNoticesAdmin(this.client.api.http);
    if (isUnderWay(sending))
      return html`<button
        type="button"
        class="button small"
        @click=${() => void this.#set(() => api.stop(id))}
      >
        ${msg("Stop")}
      </button>`;
    if (told === total) return nothing;
    return html`<button
      type="button"
      class="button small"
      @click=${() => void this.#set(() => api.resume(id))}
    >
      ${state === "stopped" ? msg("Go on") : msg("Try the others again")}
    </button>`;
  }

  #failures({ failed, failures }: NoticeSending) {
    if (failed === 0) return nothing;
    return html`<details>
      <summary>${msg(str`Could not be told: ${count(failed)}`)}</summary>
      <ul class="failed-ones">
        ${failures.map(
          ({ user_id: userId, error }) =>
            html`<li><a href=${hrefToUser(userId)}>${userId}</a>: ${plainText(error)}</li>`,
        )}
      </ul>
    </details>`;
  }

  #one(sending: NoticeSending) {
    const { told, failed, total, to_all: toAll, requested_by: by, created_ts: ts } = sending;
    const words = plainText(text(sending.content, "body") ?? "");
    const [state] = stateOf(sending);
    return html`<li class="work">
      <div class="head">
        <h4>${toAll ? msg("To everybody") : msg("To some")}</h4>
        <span class="id">${by} · ${moment(ts)}</span>
        ${tags([stateOf(sending)])}
      </div>
      <p class="said" dir="auto" .textContent=${cut(words)}></p>
      ${isUnderWay(sending) ? html`<progress max=${total} .value=${told + failed} aria-label=${state}></progress>` : nothing}
      <span class="id">${msg(str`Told: ${count(told)} of ${count(total)}`)}</span>
      ${this.#failures(sending)}
      <div class="acts">${this.#acts(sending)}</div>
    </li>`;
  }

  override render() {
    return this.#all.show((all: readonly NoticeSending[]) => {
      if (all.length === 0) return nothing;
      return html`<h3>${msg("Sent in the last week")}</h3>
        <ul class="works" aria-label=${msg("Sent in the last week")}>
          ${repeat(
            all,
            ({ notice_id: id }) => id,
            (sending) => this.#one(sending),
          )}
        </ul>`;
    });
  }
}
