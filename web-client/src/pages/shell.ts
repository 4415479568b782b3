import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { nameFor } from "../api/session.ts";
import { completeApi } from "../api/later.ts";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { $dialog, openDialog } from "../store/dialogs.ts";
import { offerEncryption } from "../store/encryption-offer.ts";
import { followOwnPresence } from "../store/own-presence.ts";
import { isUnread } from "../store/room-sections.ts";
import { PUSH_KEY } from "../store/notifier.ts";
import { readSetting } from "../store/settings.ts";
import { $route, hrefToRoom, type Route } from "../store/router.ts";
import { report } from "../store/toasts.ts";
import { base, buttons } from "../styles/shared.ts";
import "../dialogs/host.ts";
import { followFocus } from "../elements/focus-return.ts";
import "../elements/offline-banner.ts";
import "../elements/sidebar.ts";
import "../elements/welcome.ts";

/** A file that is dropped where nobody takes it does not open in the place of the page. */
function keepPage(event: DragEvent): void {
  if (event.dataTransfer?.types.includes("Files") !== true || event.defaultPrevented) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "none";
}

/** There is room for one side only. As the styles below have it. */
const narrow = matchMedia("(max-width: 719px)");

/** Whether a key goes into a text. */
function isTyping(event: KeyboardEvent): boolean {
  const [target] = event.composedPath();
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("input, textarea, select");
}

/** Whether something is chosen: a room, or a page. */
function isInside({ page }: Route): boolean {
  return page !== "home" && page !== "sign-in" && page !== "register";
}

/** The rooms on one side, what is chosen on the other; on a narrow screen one of both. */
@customElement("weft-shell")
export class WeftShell extends LitElement {
  @property({ attribute: false }) client!: Client;

  constructor() {
    super();
    new Watch(this, () => [
      $route,
      this.client?.store.$list,
      this.client?.encryption.$verifications,
    ]);
  }

  static override styles = [
    base,
    buttons,
    css`
      :host {
        display: grid;
        grid-template: auto minmax(0, 1fr) / minmax(300px, 372px) minmax(0, 1fr);
        height: 100%;
      }
      weft-offline-banner {
        grid-column: 1 / -1;
      }
      weft-sidebar {
        grid-area: 2 / 1;
        min-height: 0;
        border-right: 1px solid var(--line);
      }
      .main {
        grid-area: 2 / 2;
        min-width: 0;
        min-height: 0;
      }
      /* A place of its own: the rooms wait behind it. */
      :host(.alone) .main {
        grid-column: 1 / -1;
      }
      :host(.alone) weft-sidebar {
        visibility: hidden;
      }
      @media (max-width: 719px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
        }
        .main {
          grid-column: 1;
        }
        :host(.inside) weft-sidebar,
        :host(:not(.inside)) .main {
          display: none;
        }
        weft-sidebar {
          border: 0;
        }
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("keydown", this.#onKey);
    narrow.addEventListener("change", this.#onNarrow);
    for (const type of ["dragover", "drop"] as const) window.addEventListener(type, keepPage);
  }

  protected override firstUpdated(): void {
    // The next that is wanted, most likely.
    setTimeout(() => void import("./room.ts").catch(report), 0);
  }

  readonly #onNarrow = (): void => this.requestUpdate();

  #ends: (() => void)[] = [];

  #unfollow(): void {
    for (const end of this.#ends) end();
    this.#ends = [];
  }

  override disconnectedCallback(): void {
    this.#unfollow();
    document.removeEventListener("keydown", this.#onKey);
    narrow.removeEventListener("change", this.#onNarrow);
    for (const type of ["dragover", "drop"] as const) window.removeEventListener(type, keepPage);
    document.title = "Weft";
    super.disconnectedCallback();
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if ((event.ctrlKey || event.metaKey) && event.key === "k") {
      event.preventDefault();
      if ($dialog.get() === undefined) openDialog({ kind: "palette" });
    } else if (
      event.altKey &&
      !event.shiftKey &&
      ["ArrowUp", "ArrowDown", "PageUp", "PageDown"].includes(event.key)
    ) {
      event.preventDefault();
      this.#step(event.key.endsWith("Down") ? 1 : -1, event.key.startsWith("Page"));
    } else if (event.key === "?" && !isTyping(event) && $dialog.get() === undefined) {
      event.preventDefault();
      openDialog({ kind: "shortcuts" });
    }
  };

  /** Goes to the room above or below in the list, or to the next one with something unread. */
  #step(by: number, unread: boolean): void {
    const route = $route.get();
    const open = route.page === "room" ? route.room : undefined;
    const list = this.client.store.$list
      .get()
      .filter((room) => room.membership === "join" && !room.isSpace)
      .filter((room) => !unread || room.unread > 0 || room.roomId === open);
    const at = list.findIndex((room) => room.roomId === open);
    const next = list.at((at + by) % Math.max(list.length, 1));
    if (next !== undefined && next.roomId !== open) location.hash = hrefToRoom(next.roomId);
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("client")) completeApi(this.client.api, this.client.session.userId);
  }

  /** A subscription that the browser has changed is told to the server. */
  async #resumePush(): Promise<void> {
    const { startPush } = await import("../store/web-push.ts");
    await startPush(this.client).catch(() => undefined);
  }

  override updated(changed: PropertyValues<this>): void {
    if (changed.has("client")) {
      this.#unfollow();
      this.#ends = [offerEncryption(this.client), followOwnPresence(this.client)];
      const pushed = readSetting(nameFor(PUSH_KEY, this.client.session.userId));
      if (pushed === "on") void this.#resumePush();
    }
    const route = $route.get();
    this.#keepKeys(route);
    this.classList.toggle("alone", route.page === "admin");
    this.classList.toggle("inside", isInside(route));
    const list = this.client.store.$list.get();
    const unread = list.filter(isUnread).length;
    const current = route.page === "room" ? this.client.store.summary(route.room)?.name : undefined;
    const title = `${unread > 0 ? `(${unread}) ` : ""}${current === undefined ? "" : `${current} · `}Weft`;
    if (document.title !== title) document.title = title;
  }

  #page: Route["page"] | undefined;

  /** What had the keyboard may have gone with the page before: then the page that came has it. */
  #keepKeys({ page }: Route): void {
    const isOther = this.#page !== undefined && this.#page !== page;
    this.#page = page;
    if (isOther && $dialog.get() === undefined) followFocus();
  }

  #notices() {
    if (this.client.encryption.$verifications.get().length === 0) return nothing;
    import("../elements/encryption/notices.ts").catch(report);
    return html`<weft-encryption-notices .client=${this.client}></weft-encryption-notices>`;
  }

  #main(route: Route): TemplateResult {
    switch (route.page) {
      case "room":
        import("./room.ts").catch(report);
        return html`<weft-room .client=${this.client} .place=${route}></weft-room>`;
      case "room-settings":
        import("./room-settings.ts").catch(report);
        return html`<weft-room-settings
          .client=${this.client}
          .roomId=${route.room}
          section=${route.section}
        ></weft-room-settings>`;
      case "directory":
        import("./directory.ts").catch(report);
        return html`<weft-directory .client=${this.client}></weft-directory>`;
      case "settings":
        import("./settings.ts").catch(report);
        return html`<weft-settings
          .client=${this.client}
          section=${route.section}
        ></weft-settings>`;
      case "admin":
        import("./admin.ts").catch(report);
        return html`<weft-admin-gate .client=${this.client} .place=${route}></weft-admin-gate>`;
      default:
        return html`<weft-welcome .client=${this.client}></weft-welcome>`;
    }
  }

  override render() {
    if (this.client === undefined) return nothing;
    const route = $route.get();
    const isAlone = narrow.matches && !isInside(route);
    return html`<weft-offline-banner .sync=${this.client.sync}></weft-offline-banner>
      <weft-sidebar
        role=${isAlone ? "main" : nothing}
        .client=${this.client}
        .isMain=${isAlone}
      ></weft-sidebar>
      <div class="main">${this.#main(route)}</div>
      ${this.#notices()}
      <weft-dialog-host .client=${this.client}></weft-dialog-host>`;
  }
}
