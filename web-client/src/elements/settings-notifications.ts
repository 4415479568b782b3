import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { isOn, keywordsOf, setOn, type Subject } from "../store/notification-rules.ts";
import {
  $notifications,
  $quiet,
  $sound,
  canNotify,
  setNotifications,
  setQuiet,
  setSound,
} from "../store/notifier.ts";
import { chime } from "../store/chime.ts";
import { attempt, report, toast } from "../store/toasts.ts";
import { canPush, isPushed, startPush, stopPush } from "../store/web-push.ts";
import { choiceGroups } from "../styles/settings.ts";
import { base, buttons, forms } from "../styles/shared.ts";
import { icon } from "./icon.ts";

/** What one is told of in all rooms, and how this browser tells it. What a room does otherwise is in its own settings. */
@customElement("weft-settings-notifications")
export class WeftSettingsNotifications extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private pushed = false;
  @state() private canPush = false;
  @state() private problem = "";
  @query("#keyword") private keyword!: HTMLInputElement;

  constructor() {
    super();
    new Watch(this, () => [$notifications, $sound, $quiet, this.client?.store.$list]);
  }

  static override styles = [
    base,
    buttons,
    forms,
    choiceGroups,
    css`
      .words {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .words li {
        display: flex;
        align-items: center;
        padding-inline-start: var(--space-3);
        border: 1px solid var(--line);
        border-radius: 18px;
        background: var(--raised);
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        align-items: end;
        gap: var(--space-3);
      }
      .row input {
        width: auto !important;
        max-width: 100%;
      }
      .row .grow {
        flex: 1 1 200px;
      }
    `,
  ];

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("client")) this.pushed = isPushed(this.client.session.userId);
  }

  override firstUpdated(): void {
    if (!canPush()) return;
    this.client.api.notify.webPushKey().then(
      (key) => (this.canPush = key !== undefined),
      () => undefined,
    );
  }

  /** The server tells of the change by the next sync. */
  async #set(subject: Subject, box: HTMLInputElement): Promise<void> {
    const on = box.checked;
    const done = await attempt(async () => {
      await setOn(this.client, subject, on);
      return true;
    });
    if (done === undefined) box.checked = !on;
  }

  #subjects() {
    const rules = this.client.store.accountData.get("m.push_rules");
    const names: Record<Subject, string> = {
      directs: msg("Messages in direct chats"),
      rooms: msg("Messages in rooms"),
      mentions: msg("When I am mentioned"),
      everyone: msg("When everyone in a room is mentioned"),
      invites: msg("Invitations"),
    };
    return html`<fieldset>
      <legend>${msg("Tell me of")}</legend>
      ${(Object.keys(names) as Subject[]).map(
        (subject) =>
          html`<label class="choice">
            <input
              type="checkbox"
              .checked=${isOn(rules, subject)}
              @change=${(event: Event) => void this.#set(subject, event.target as HTMLInputElement)}
            />
            ${names[subject]}
          </label>`,
      )}
      <p class="hint">${msg("A room can do otherwise: see its own settings.")}</p>
    </fieldset>`;
  }

  readonly #onKeyword = async (event: Event): Promise<void> => {
    event.preventDefault();
    const word = this.keyword.value.trim();
    this.problem = "";
    if (word === "") return;
    if (/^\.|[\\/]/.test(word)) {
      this.problem = msg("A keyword begins with no dot and has no slashes in it.");
      return;
    }
    const done = await attempt(async () => {
      await this.client.api.notify.setKeyword(word);
      return true;
    });
    if (done === true) this.keyword.value = "";
  };

  #keywords() {
    const words = keywordsOf(this.client.store.accountData.get("m.push_rules"));
    return html`<form @submit=${this.#onKeyword} autocomplete="off" novalidate>
      <fieldset>
        <legend>${msg("Keywords")}</legend>
        ${
          words.length === 0
            ? nothing
            : html`<ul class="words">
                ${words.map(
                  ({ id, word }) =>
                    html`<li>
                      ${word}
                      <button
                        type="button"
                        class="icon-button"
                        aria-label=${msg(str`Remove ${word}`)}
                        @click=${() => void attempt(() => this.client.api.notify.removeKeyword(id))}
                      >
                        ${icon("close")}
                      </button>
                    </li>`,
                )}
              </ul>`
        }
        <div class="row">
          <div class="grow">
            <label for="keyword">${msg("New keyword")}</label>
            <input
              id="keyword"
              class="grow"
              maxlength="100"
              aria-invalid=${this.problem !== ""}
              aria-describedby="keyword-hint"
            />
          </div>
          <button type="submit" class="button">${msg("Add")}</button>
        </div>
        <p class="hint" id="keyword-hint" role="status">
          ${this.problem || msg("Messages with one of these words count like mentions.")}
        </p>
      </fieldset>
    </form>`;
  }

  readonly #onNotifications = async (event: Event): Promise<void> => {
    const box = event.target as HTMLInputElement;
    if (await setNotifications(box.checked)) return;
    box.checked = false;
    toast(
      msg("The browser does not allow it. Its settings for this page can change that."),
      "error",
    );
  };

  readonly #onPush = async (event: Event): Promise<void> => {
    const box = event.target as HTMLInputElement;
    try {
      if (box.checked && !(await setNotifications(true))) throw new Error("not allowed");
      await (box.checked ? startPush(this.client) : stopPush(this.client));
    } catch {
      toast(
        msg("The browser does not allow it. Its settings for this page can change that."),
        "error",
      );
    }
    this.pushed = isPushed(this.client.session.userId);
    box.checked = this.pushed;
  };

  #here() {
    return html`<fieldset>
      <legend>${msg("In this browser")}</legend>
      ${
        canNotify()
          ? html`<label class="choice">
              <input
                type="checkbox"
                .checked=${$notifications.get()}
                @change=${this.#onNotifications}
              />
              ${msg("Notify me while I am in another window")}
            </label>`
          : nothing
      }
      ${
        this.canPush
          ? html`<label class="choice">
              <input type="checkbox" .checked=${this.pushed} @change=${this.#onPush} />
              ${msg("Notify me also while Weft is closed")}
            </label>`
          : nothing
      }
      <label class="choice">
        <input
          type="checkbox"
          .checked=${$sound.get()}
          @change=${(event: Event) => {
            const on = (event.target as HTMLInputElement).checked;
            setSound(on);
            if (on) chime();
          }}
        />
        ${msg("Play a sound")}
      </label>
    </fieldset>`;
  }

  #setQuiet(change: { on?: boolean; from?: string; to?: string }): void {
    const before = $quiet.get();
    const { on = before !== undefined, from, to } = change;
    setQuiet(
      on ? { from: from ?? before?.from ?? "22:00", to: to ?? before?.to ?? "07:00" } : undefined,
    );
    // The server's messages carry the hours along.
    if (this.pushed) startPush(this.client).catch(report);
  }

  #quiet() {
    const hours = $quiet.get();
    const value = (event: Event) => (event.target as HTMLInputElement).value;
    return html`<fieldset>
      <legend>${msg("Quiet hours")}</legend>
      <label class="choice">
        <input
          type="checkbox"
          .checked=${hours !== undefined}
          @change=${(event: Event) =>
            this.#setQuiet({ on: (event.target as HTMLInputElement).checked })}
        />
        ${msg("Nothing pops up or sounds in these hours")}
      </label>
      ${
        hours === undefined
          ? nothing
          : html`<div class="row">
              <div>
                <label for="from">${msg("From")}</label>
                <input
                  id="from"
                  type="time"
                  required
                  .value=${hours.from}
                  @change=${(event: Event) => this.#setQuiet({ from: value(event) || "22:00" })}
                />
              </div>
              <div>
                <label for="to">${msg("To")}</label>
                <input
                  id="to"
                  type="time"
                  required
                  .value=${hours.to}
                  @change=${(event: Event) => this.#setQuiet({ to: value(event) || "07:00" })}
                />
              </div>
            </div>`
      }
    </fieldset>`;
  }

  override render() {
    return html`${this.#subjects()} ${this.#keywords()} ${this.#here()} ${this.#quiet()}`;
  }
}
