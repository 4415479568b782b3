import { msg } from "@lit/localize";
import { css, html, LitElement } from "lit";
import { customElement } from "lit/decorators.js";
import "../../elements/dialog.ts";
import { base } from "../../styles/shared.ts";

type Shortcut = readonly [keys: readonly string[], what: string];

/** What the key beside the space bar is called here. */
function isApple(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent);
}

function everywhere(): Shortcut[] {
  return [
    [[isApple() ? "⌘" : msg("Ctrl"), "K"], msg("Go anywhere, do anything")],
    [["Alt", "↑ ↓"], msg("Room above, room below")],
    [["Alt", msg("Page ↑ ↓")], msg("Unread room above, unread room below")],
    [["Alt", "⇧", "↑ ↓"], msg("Move a room or space within its list")],
    [["?"], msg("This list")],
    [["Esc"], msg("Close what is open")],
  ];
}

function writing(): Shortcut[] {
  return [
    [["⏎"], msg("Send")],
    [["⇧", "⏎"], msg("New line")],
    [["↑"], msg("Edit your last message, from an empty field")],
    [["@"], msg("Mention someone")],
    [["/help"], msg("All commands that messages can be")],
    [["Esc"], msg("Stop answering or editing")],
  ];
}

function reading(): Shortcut[] {
  return [
    [["↑", "↓"], msg("Message above, message below")],
    [[msg("End")], msg("Newest message")],
    [["R"], msg("Reply")],
    [["+"], msg("React")],
    [["E"], msg("Edit")],
    [["C"], msg("Copy text")],
    [[msg("Del")], msg("Delete")],
  ];
}

/** All that the keyboard can do. */
@customElement("weft-shortcuts")
export class WeftShortcuts extends LitElement {
  static override styles = [
    base,
    css`
      h3 {
        margin: var(--space-4) 0 var(--space-2);
        font-size: 0.92em;
        color: var(--muted);
      }
      dl {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: var(--space-2) var(--space-4);
        margin: 0;
      }
      dd {
        margin: 0;
      }
      kbd {
        display: inline-block;
        min-width: 1.8em;
        padding: 0 6px;
        border: 1px solid var(--line-strong);
        border-bottom-width: 2px;
        border-radius: 6px;
        background: var(--raised);
        font: inherit;
        font-size: 0.87em;
        text-align: center;
      }
    `,
  ];

  #group(heading: string, shortcuts: readonly Shortcut[]) {
    return html`<h3>${heading}</h3>
      <dl>
        ${shortcuts.map(
          ([keys, what]) =>
            html`<dt>${keys.map((key) => html`<kbd>${key}</kbd> `)}</dt>
              <dd>${what}</dd>`,
        )}
      </dl>`;
  }

  override render() {
    return html`<weft-dialog reading heading=${msg("Keyboard shortcuts")}>
      ${this.#group(msg("Everywhere"), everywhere())} ${this.#group(msg("Writing"), writing())}
      ${this.#group(msg("Among the messages"), reading())}
    </weft-dialog>`;
  }
}
