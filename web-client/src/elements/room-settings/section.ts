import { msg } from "@lit/localize";
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { text, type Content } from "../../api/types.ts";
import { Watch } from "../../controllers/watch.ts";
import type { Client } from "../../store/client.ts";
import { canSend } from "../../store/power.ts";
import type { Room } from "../../store/room.ts";
import { toast } from "../../store/toasts.ts";
import { base, buttons, forms } from "../../styles/shared.ts";
import { explain } from "../../text/problems.ts";

const sectionStyles = css`
  h2 {
    margin: var(--space-5) 0 var(--space-3);
    font-size: 1.05em;
  }
  h2:first-child {
    margin-top: 0;
  }
  .wrong {
    margin: var(--space-1) 0 0;
    color: var(--danger);
    font-size: 0.9em;
  }
  .choice {
    margin-bottom: var(--space-1);
  }
  .choice + .hint {
    margin: 0 0 var(--space-3) 25px;
  }
  fieldset {
    margin: 0 0 var(--space-4);
    padding: 0;
    border: 0;
  }
  legend {
    margin-bottom: var(--space-2);
    padding: 0;
    font-weight: 600;
  }
  .actions {
    justify-content: flex-start;
    margin-top: var(--space-4);
  }
  .list {
    margin: 0 0 var(--space-4);
    padding: 0;
    list-style: none;
  }
  .list li {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--space-2) var(--space-3);
    padding: var(--space-2) 0;
    border-bottom: 1px solid var(--line);
  }
  .grow {
    flex: 1;
    min-width: 140px;
    overflow-wrap: anywhere;
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    align-items: flex-start;
    gap: var(--space-2);
  }
  .row > :first-child {
    flex: 1;
    min-width: 180px;
  }
  .muted {
    color: var(--muted);
    font-size: 0.9em;
    overflow-wrap: anywhere;
  }
`;

/**
 * A part of a room's settings. What is typed is kept by field until it is saved, whatever comes by sync meanwhile; what is
 * wrong with a field stands beside it.
 */
export abstract class RoomSettingsSection extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) roomId = "";
  @state() protected busy = false;
  /** What was typed or chosen and is not saved yet, by field. */
  @state() protected drafts: Record<string, string> = {};
  /** What is wrong, by field; under "" what is wrong with the whole. */
  @state() protected problems: Record<string, string> = {};

  constructor() {
    super();
    new Watch(this, () => [this.client?.store.$list, this.room?.signals.$state]);
  }

  static override styles = [base, buttons, forms, sectionStyles];

  protected get room(): Room {
    return this.client?.store.ensure(this.roomId);
  }

  protected may(type: string): boolean {
    return canSend(this.room, this.client.session.userId, type, true);
  }

  protected content(type: string): Content | undefined {
    return this.room.stateEvent(type)?.content;
  }

  /** A string of a state event's content, "" when there is none. */
  protected held(type: string, key: string): string {
    return text(this.content(type), key) ?? "";
  }

  protected draft(name: string, held: string): string {
    return this.drafts[name] ?? held;
  }

  protected setDraft(name: string, value: string): void {
    this.drafts = { ...this.drafts, [name]: value };
    // What was wrong with the whole may be mended by it.
    this.setProblem("", "");
    this.setProblem(name, this.check(name, value));
  }

  protected setProblem(name: string, problem: string): void {
    const { [name]: _, ...others } = this.problems;
    this.problems = problem === "" ? others : { ...others, [name]: problem };
  }

  /** What is wrong with a value as it is typed; "" for nothing. */
  protected check(_name: string, _value: string): string {
    return "";
  }

  /** Forgets what was typed in these fields; in all without names. */
  protected drop(...names: string[]): void {
    if (names.length === 0) this.drafts = {};
    else {
      const rest = Object.entries(this.drafts).filter(([name]) => !names.includes(name));
      this.drafts = Object.fromEntries(rest);
    }
    this.problems = {};
  }

  /** Whether all that was typed may be sent. What the server refused may be tried again. */
  protected get isSound(): boolean {
    return Object.entries(this.drafts).every(([name, value]) => this.check(name, value) === "");
  }

  protected get isTouched(): boolean {
    return Object.keys(this.drafts).length > 0;
  }

  /** Does one thing; when it fails, says so beside the field, whose text stays. Answers whether it was done. */
  protected async attempt(
    name: string,
    work: () => Promise<unknown>,
    done?: string,
  ): Promise<boolean> {
    this.busy = true;
    this.setProblem(name, "");
    try {
      await work();
      if (done !== undefined) toast(done);
      return true;
    } catch (error) {
      this.setProblem(name, explain(error));
      return false;
    } finally {
      this.busy = false;
    }
  }

  protected wrong(name: string): TemplateResult | typeof nothing {
    const problem = this.problems[name];
    if (problem === undefined) return nothing;
    return html`<p class="wrong" id="wrong-${name}" role="alert">${problem}</p>`;
  }

  /** For `aria-invalid` and `aria-describedby` of a field. */
  protected isWrong(name: string): boolean {
    return this.problems[name] !== undefined;
  }

  protected described(name: string, hint = ""): string | typeof nothing {
    const ids = [hint, this.isWrong(name) ? `wrong-${name}` : ""].filter((id) => id !== "");
    return ids.length === 0 ? nothing : ids.join(" ");
  }

  /** Save and discard, for the fields that were touched. */
  protected saveButtons(): TemplateResult {
    return html`${this.wrong("")}
      <div class="actions">
        <button
          type="submit"
          class="button primary"
          ?disabled=${this.busy || !this.isTouched || !this.isSound}
        >
          ${this.busy ? msg("Saving…") : msg("Save")}
        </button>
        ${
          this.isTouched
            ? html`<button
                type="button"
                class="button"
                ?disabled=${this.busy}
                @click=${() => this.drop()}
              >
                ${msg("Discard changes")}
              </button>`
            : nothing
        }
      </div>`;
  }

  /** Said once where a person may change nothing of it. */
  protected locked(may: boolean): TemplateResult | typeof nothing {
    if (may) return nothing;
    return html`<p class="muted">
      ${msg("You may look at this, but not change it. Someone with more rights here can.")}
    </p>`;
  }
}
