import { msg } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { Watch } from "../../controllers/watch.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { navigate } from "../../store/router.ts";
import { base, buttons } from "../../styles/shared.ts";
import { icon } from "../icon.ts";

interface Reminder {
  title: string;
  text: string;
  go(): void;
}

/** Whether there is another device of the account that nobody has verified. */
function hasUnverified(client: Client): boolean {
  const { $status, trust } = client.encryption;
  const { engine, device } = $status.get();
  if (engine !== "ready" || !device.isVerified) return false;
  const devices = trust.devices(client.session.userId).get() ?? [];
  return devices.some(({ isSigned, isDehydrated }) => !isSigned && !isDehydrated);
}

/** What is still to be done about encryption, if anything. */
function reminderOf(client: Client): Reminder | undefined {
  const { engine, next } = client.encryption.$status.get();
  if (engine === "failed") {
    return {
      title: msg("Encryption is not working"),
      text: msg("See why, and what helps"),
      go: () => navigate({ page: "settings", section: "encryption" }),
    };
  }
  switch (next) {
    case "set-up":
      return {
        title: msg("Secure your messages"),
        text: msg("Set up a backup of your keys"),
        go: () => openDialog({ kind: "encryption-setup" }),
      };
    case "verify":
      return {
        title: msg("Verify this device"),
        text: msg("To read your earlier messages"),
        go: () => openDialog({ kind: "verify-device" }),
      };
    case "recovery":
      return {
        title: msg("Make a recovery key"),
        text: msg("So that nothing is lost with this device"),
        go: () => openDialog({ kind: "encryption-setup" }),
      };
    default:
      if (!hasUnverified(client)) return undefined;
      return {
        title: msg("A device is not verified"),
        text: msg("Look whether it is yours"),
        go: () => navigate({ page: "settings", section: "devices" }),
      };
  }
}

/** A quiet line below the rooms for what was put off. */
@customElement("weft-encryption-reminder")
export class WeftEncryptionReminder extends LitElement {
  @property({ attribute: false }) client!: Client;

  constructor() {
    super();
    new Watch(this, () => {
      const encryption = this.client?.encryption;
      return [encryption?.$status, encryption?.trust.devices(this.client.session.userId)];
    });
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: block;
      }
      button {
        display: flex;
        align-items: center;
        gap: var(--space-3);
        width: 100%;
        padding: var(--space-3) var(--space-4);
        border: 0;
        border-top: 1px solid var(--line);
        background: none;
        line-height: 1.3;
        text-align: start;
      }
      button:hover {
        background: var(--hover);
      }
      button:focus-visible {
        outline-offset: -2px;
      }
      .icon {
        color: var(--accent);
      }
      b {
        display: block;
        font-weight: 600;
      }
      small {
        color: var(--muted);
        font-size: 0.87em;
      }
    `,
  ];

  override render() {
    const reminder = reminderOf(this.client);
    if (reminder === undefined) return nothing;
    return html`<button type="button" @click=${() => reminder.go()}>
      ${icon("shield")}
      <span><b>${reminder.title}</b><small>${reminder.text}</small></span>
    </button>`;
  }
}
