import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { createUsersAdmin, type NewUser } from "../../api/admin/users.ts";
import { ApiError } from "../../api/errors.ts";
import { saveBlob } from "../../elements/save-file.ts";
import { serverOf } from "../../store/actions.ts";
import type { Client } from "../../store/client.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { explainAct } from "../../text/act-problems.ts";
import { backTo, count, hrefToUser, tags } from "../parts/facts.ts";
import { adminStyles } from "../parts/styles.ts";
import { MAX_LINES, readWanted, type Wanted } from "./csv.ts";

/** What became of a line. */
type Result =
  | { state: "done"; password: string | undefined }
  | { state: "failed"; problem: string };

/** How many are created by one request. */
const AT_ONCE = 20;

const asNew = ({ localpart, name, password, email, isAdmin }: Wanted): NewUser => ({
  username: localpart,
  ...(name === "" ? {} : { displayname: name }),
  ...(password === "" ? {} : { password }),
  ...(email === "" ? {} : { email }),
  ...(isAdmin ? { admin: true } : {}),
});

/** Creates many users by a list, which is read here in the page. Each line says what is wrong with it. */
@customElement("weft-admin-import")
export class WeftAdminImport extends LitElement {
  @property({ attribute: false }) client!: Client;
  @state() private text = "";
  @state() private wanted: readonly Wanted[] = [];
  @state() private results: ReadonlyMap<number, Result> = new Map();
  @state() private busy = false;
  @state() private problem = "";
  #stopped = false;

  static override styles = [
    base,
    buttons,
    forms,
    adminStyles,
    css`
      textarea {
        min-height: 12em;
        font-family: var(--mono);
        font-size: 0.9em;
        resize: vertical;
      }
      ol {
        margin: 0 0 var(--space-4);
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        gap: 2px var(--space-3);
        padding: var(--space-2) 0;
        border-bottom: 1px solid var(--line);
        overflow-wrap: anywhere;
      }
      .line {
        color: var(--muted);
        font-size: 0.87em;
        min-width: 5ch;
      }
      .wrong {
        flex: 1 1 100%;
        color: var(--danger);
      }
      progress {
        width: 100%;
        accent-color: var(--accent);
      }
    `,
  ];

  override disconnectedCallback(): void {
    this.#stopped = true;
    super.disconnectedCallback();
  }

  #read(text: string): void {
    this.text = text;
    this.results = new Map();
    this.problem = "";
    const wanted = readWanted(text, serverOf(this.client.session.userId));
    this.wanted = wanted;
    if (wanted.length >= MAX_LINES)
      this.problem = msg(str`Only the first ${count(MAX_LINES)} lines are read. Divide the list.`);
  }

  readonly #onFile = async (event: Event): Promise<void> => {
    const input = event.target as HTMLInputElement;
    const [file] = input.files ?? [];
    if (file === undefined) return;
    if (file.size > 2_000_000) this.problem = msg("This file is too large for a list of users.");
    else this.#read(await file.text());
    input.value = "";
  };

  /** Creates some; what becomes of each is shown beside its line. */
  async #create(some: readonly Wanted[]): Promise<void> {
    const results = new Map(this.results);
    try {
      const answer = await createUsersAdmin(this.client.api.http).create(some.map(asNew));
      for (const [at, { line }] of some.entries()) {
        const made = answer.results[at];
        if (made?.created === true) results.set(line, { state: "done", password: made.password });
        else
          results.set(line, {
            state: "failed",
            problem: explainAct(new ApiError(400, { ...made })),
          });
      }
    } catch (error) {
      for (const { line } of some)
        results.set(line, { state: "failed", problem: explainAct(error) });
    }
    this.results = results;
  }

  readonly #onSubmit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (this.busy) return;
    this.busy = true;
    const left = this.#left();
    for (let at = 0; at < left.length && !this.#stopped; at += AT_ONCE) {
      // oxlint-disable-next-line no-await-in-loop -- what became of these is shown before the next begin
      await this.#create(left.slice(at, at + AT_ONCE));
    }
    this.busy = false;
  };

  /** Those that can be created and are not there yet. */
  #left(): readonly Wanted[] {
    return this.wanted.filter(
      ({ problem, line }) => problem === undefined && this.results.get(line)?.state !== "done",
    );
  }

  /** The passwords that were made up, as a list to keep. */
  #save(): void {
    const server = serverOf(this.client.session.userId);
    const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;
    const lines = this.wanted.flatMap(({ line, localpart, name }) => {
      const result = this.results.get(line);
      if (result?.state !== "done" || result.password === undefined) return [];
      return [[`@${localpart}:${server}`, name, result.password].map(quoted).join(",")];
    });
    const text = ["user,name,password", ...lines].join("\r\n");
    saveBlob(new Blob([text], { type: "text/csv" }), "passwords.csv");
  }

  #one(wanted: Wanted) {
    const { line, localpart, name, isAdmin, email } = wanted;
    const result = this.results.get(line);
    const userId = `@${localpart}:${serverOf(this.client.session.userId)}`;
    const problem = wanted.problem ?? (result?.state === "failed" ? result.problem : undefined);
    return html`<li>
      <span class="line">${msg(str`Line ${line}`)}</span>
      ${
        result?.state === "done"
          ? html`<a href=${hrefToUser(userId)}>${userId}</a>`
          : html`<span>${localpart === "" ? "–" : userId}</span>`
      }
      <span>${name}</span>
      <span>${email}</span>
      ${tags([isAdmin && [msg("Administrator")], result?.state === "done" && [msg("Created")]])}
      ${problem === undefined ? nothing : html`<span class="wrong">${problem}</span>`}
    </li>`;
  }

  #lines() {
    if (this.wanted.length === 0) return nothing;
    const wrong = this.wanted.filter(({ problem }) => problem !== undefined).length;
    const left = this.#left().length;
    const made = [...this.results.values()];
    const done = made.filter(({ state: is }) => is === "done").length;
    const hasPasswords = made.some((one) => one.state === "done" && one.password !== undefined);
    return html`<h3>${msg("What the list says")}</h3>
      <p class="hint" role="status">
        ${msg(str`Lines: ${count(this.wanted.length)}, with an error: ${count(wrong)}, created: ${count(done)}`)}
      </p>
      ${
        this.busy
          ? html`<progress
              aria-label=${msg("Creating users")}
              max=${done + left}
              value=${done}
            ></progress>`
          : nothing
      }
      <ol aria-label=${msg("What the list says")}>
        ${this.wanted.map((one) => this.#one(one))}
      </ol>
      ${
        hasPasswords
          ? html`<p class="hint">
                ${msg("Passwords were made up for some of them. They are shown nowhere else.")}
              </p>
              <div class="acts">
                <button type="button" class="button" @click=${() => this.#save()}>
                  ${msg("Save the passwords")}
                </button>
              </div>`
          : nothing
      }
      <div class="acts">
        <button type="submit" class="button primary" aria-disabled=${this.busy || left === 0}>
          ${this.busy ? msg("Creating users…") : msg(str`Create (${count(left)})`)}
        </button>
      </div>`;
  }

  override render() {
    return html`<div class="bar">
        ${backTo("users", msg("All users"))}
        <h2>${msg("Create many users")}</h2>
      </div>
      <p class="hint">
        ${msg("A user in each line: user name, display name, password, e-mail address, administrator (yes or no). Only the user name is needed; a password that is missing is made up. A first line with names may put them in another order.")}
      </p>
      <form @submit=${this.#onSubmit} novalidate>
        <div class="field">
          <label for="file">${msg("A file (CSV)")}</label>
          <input
            id="file"
            type="file"
            accept=".csv,.txt,text/csv,text/plain"
            @change=${this.#onFile}
          />
        </div>
        <div class="field">
          <label for="text">${msg("Or the list itself")}</label>
          <textarea
            id="text"
            spellcheck="false"
            placeholder="ann,Ann Lee,,ann@example.org,no"
            ?readonly=${this.busy}
            .value=${this.text}
            @input=${(event: Event) => this.#read((event.target as HTMLTextAreaElement).value)}
          ></textarea>
        </div>
        ${this.problem === "" ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
        ${this.#lines()}
      </form>`;
  }
}
