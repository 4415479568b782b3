import { msg } from "@lit/localize";
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Client } from "../../store/client.ts";
import { openPanel, type Panel, type PanelTab } from "../../store/panel.ts";
import type { Room } from "../../store/room.ts";
import { report } from "../../store/toasts.ts";
import { base, buttons } from "../../styles/shared.ts";
import { icon, type IconName } from "../icon.ts";

interface Tab {
  tab: PanelTab;
  label: string;
  icon: IconName;
}

const tabs = (): Tab[] => [
  { tab: "about", label: msg("About", { id: "about (tab)" }), icon: "info" },
  { tab: "people", label: msg("People"), icon: "users" },
  { tab: "files", label: msg("Files"), icon: "image" },
  { tab: "pins", label: msg("Pinned"), icon: "pin" },
  { tab: "threads", label: msg("Threads"), icon: "thread" },
];

/** What stands beside a conversation: at its side, or over it where there is no room. */
@customElement("weft-room-panel")
export class WeftRoomPanel extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;
  @property({ attribute: false }) panel!: Panel;

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        background: var(--paper);
      }
      header {
        display: flex;
        align-items: center;
        gap: var(--space-1);
        min-height: 48px;
        padding: 0 var(--space-2) 0 var(--space-4);
      }
      h2 {
        flex: 1;
        margin: 0;
        font-size: 1em;
      }
      [role="tablist"] {
        display: flex;
        gap: 2px;
        padding: 0 var(--space-2);
        border-bottom: 1px solid var(--line);
      }
      [role="tab"] {
        display: grid;
        justify-items: center;
        gap: 2px;
        flex: 1 1 0;
        min-width: 0;
        padding: var(--space-1) 0 6px;
        border: 0;
        border-bottom: 2px solid transparent;
        background: none;
        color: var(--muted);
        font-size: 0.8em;
      }
      [role="tab"] span:last-child {
        max-width: 100%;
      }
      [role="tab"]:hover {
        color: var(--text);
      }
      [role="tab"][aria-selected="true"] {
        border-color: var(--accent);
        color: var(--accent);
        font-weight: 600;
      }
      [role="tab"]:focus-visible {
        outline-offset: -2px;
      }
      .body {
        display: flex;
        flex: 1;
        flex-direction: column;
        min-height: 0;
      }
      .body > * {
        flex: 1;
        min-height: 0;
      }
    `,
  ];

  override updated(changed: PropertyValues<this>): void {
    const before = changed.get("panel");
    const isOther = changed.has("panel") && before?.kind !== this.panel.kind;
    if ((isOther && this.panel.kind !== "search") || this.#isByKey) void this.#take();
    if (changed.has("panel")) this.#isByKey = false;
  }

  /** A tab was chosen by a key: the keyboard goes along with the choice. */
  #isByKey = false;

  /** Who opened it by keyboard goes on in it. */
  async #take(): Promise<void> {
    await this.updateComplete;
    const selector = this.panel.kind === "room" ? "[aria-selected=true]" : ".close";
    this.renderRoot.querySelector<HTMLElement>(selector)?.focus({ preventScroll: true });
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    const all = tabs().map(({ tab }) => tab);
    const at = this.panel.kind === "room" ? all.indexOf(this.panel.tab) : -1;
    const moves: Record<string, number> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: all.length - 1,
    };
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#isByKey = true;
    this.#choose(all[(to + all.length) % all.length]!);
  };

  readonly #onEscape = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    this.#close();
  };

  #choose(tab: PanelTab): void {
    openPanel(this, { kind: "room", tab });
  }

  #close(): void {
    this.dispatchEvent(new CustomEvent("close"));
  }

  #tabs(chosen: PanelTab): TemplateResult {
    return html`<div role="tablist" aria-label=${msg("About the room")} @keydown=${this.#onKey}>
      ${tabs().map(
        ({ tab, label, icon: name }) =>
          html`<button
            type="button"
            role="tab"
            id="tab-${tab}"
            aria-selected=${tab === chosen}
            aria-controls="body"
            tabindex=${tab === chosen ? 0 : -1}
            @click=${() => this.#choose(tab)}
          >
            ${icon(name)}<span class="ellipsis">${label}</span>
          </button>`,
      )}
    </div>`;
  }

  #tab(tab: PanelTab): TemplateResult {
    const { client, room } = this;
    switch (tab) {
      case "people":
        import("../member-list.ts").catch(report);
        return html`<weft-member-list .client=${client} .room=${room}></weft-member-list>`;
      case "files":
        import("./files.ts").catch(report);
        return html`<weft-files .client=${client} .room=${room}></weft-files>`;
      case "pins":
        import("./pins.ts").catch(report);
        return html`<weft-pins .client=${client} .room=${room}></weft-pins>`;
      case "threads":
        import("./threads.ts").catch(report);
        return html`<weft-threads .client=${client} .room=${room}></weft-threads>`;
      default:
        import("./about.ts").catch(report);
        return html`<weft-about .client=${client} .room=${room}></weft-about>`;
    }
  }

  #body(): TemplateResult {
    const { client, room, panel } = this;
    if (panel.kind === "room") return this.#tab(panel.tab);
    if (panel.kind === "thread") {
      import("./thread.ts").catch(report);
      return html`<weft-thread
        .client=${client}
        .room=${room}
        root=${panel.root}
        .focusEvent=${panel.eventId}
      ></weft-thread>`;
    }
    import("./search.ts").catch(report);
    return html`<weft-search
      .client=${client}
      .room=${room}
      ?everywhere=${panel.everywhere}
    ></weft-search>`;
  }

  #heading(): string {
    const { panel } = this;
    if (panel.kind === "search") return msg("Search");
    return panel.kind === "thread" ? msg("Thread") : msg("Room");
  }

  override render() {
    const { panel } = this;
    const tab = panel.kind === "room" ? panel.tab : undefined;
    return html`<header @keydown=${this.#onEscape}>
        ${
          panel.kind === "thread"
            ? html`<button
                type="button"
                class="icon-button"
                aria-label=${msg("All threads")}
                title=${msg("All threads")}
                @click=${() => this.#choose("threads")}
              >
                ${icon("arrowLeft")}
              </button>`
            : nothing
        }
        <h2>${this.#heading()}</h2>
        <button
          type="button"
          class="icon-button close"
          aria-label=${msg("Close")}
          title=${msg("Close")}
          @click=${() => this.#close()}
        >
          ${icon("close")}
        </button>
      </header>
      <div @keydown=${this.#onEscape}>${tab === undefined ? nothing : this.#tabs(tab)}</div>
      <div
        id="body"
        class="body"
        role=${tab === undefined ? nothing : "tabpanel"}
        aria-labelledby=${tab === undefined ? nothing : `tab-${tab}`}
        @keydown=${this.#onEscape}
      >
        ${this.#body()}
      </div>`;
  }
}
