import { msg, str } from "@lit/localize";
import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { text } from "../../api/types.ts";
import { Watch } from "../../controllers/watch.ts";
import { viaServers } from "../../store/actions.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { openPanel, type Panel } from "../../store/panel.ts";
import type { Room } from "../../store/room.ts";
import { navigate } from "../../store/router.ts";
import { attempt, toast } from "../../store/toasts.ts";
import { panelStyles } from "../../styles/panel.ts";
import { base, buttons } from "../../styles/shared.ts";
import { matrixTo, splitLinks } from "../../text/links.ts";
import { plainName, plainText } from "../../text/names.ts";
import { icon } from "../icon.ts";
import "../avatar.ts";

/** What a room is about: its name, topic and address, and the ways to more. */
@customElement("weft-about")
export class WeftAbout extends LitElement {
  @property({ attribute: false }) client!: Client;
  @property({ attribute: false }) room!: Room;

  constructor() {
    super();
    new Watch(this, () => [this.client?.store.$list, this.room?.signals.$state]);
  }

  static override styles = [
    base,
    buttons,
    panelStyles,
    css`
      .whole {
        flex: 1;
        min-height: 0;
        padding: var(--space-4);
        text-align: center;
      }
      h3 {
        margin: var(--space-3) 0 0;
        font-size: 1.15em;
        overflow-wrap: anywhere;
      }
      .address {
        margin: 2px 0 0;
        color: var(--muted);
        font-size: 0.9em;
        overflow-wrap: anywhere;
      }
      .topic {
        margin: var(--space-4) 0;
        text-align: start;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .facts {
        display: grid;
        gap: var(--space-2);
        margin: var(--space-4) 0;
        padding: 0;
        list-style: none;
        color: var(--muted);
        text-align: start;
      }
      .facts li {
        display: flex;
        align-items: center;
        gap: var(--space-2);
      }
      .ways {
        display: grid;
        gap: var(--space-2);
      }
    `,
  ];

  #copy(alias: string | undefined): void {
    const { room } = this;
    const link = alias ? matrixTo(alias) : matrixTo(room.roomId, viaServers(room));
    void attempt(async () => {
      await navigator.clipboard.writeText(link);
      toast(msg("Link copied."));
    });
  }

  #topic(): unknown {
    const topic = plainText(text(this.room.stateEvent("m.room.topic")?.content, "topic") ?? "");
    if (topic.trim() === "") return nothing;
    const parts = splitLinks(topic.trim()).map(({ text: words, href }) => {
      if (href === undefined) return words;
      return html`<a href=${href} target="_blank" rel="noreferrer noopener">${words}</a>`;
    });
    return html`<p class="topic" dir="auto">${parts}</p>`;
  }

  override render() {
    const { client, room } = this;
    const summary = client.store.summary(room.roomId);
    const name = summary?.name ?? "";
    const alias = plainName(text(room.stateEvent("m.room.canonical_alias")?.content, "alias"));
    const count = room.joinedCount ?? room.members("join").length;
    const isEncrypted = room.encryption !== undefined;
    const ways = [
      {
        icon: "search",
        label: msg("Search in this room"),
        run: () => this.#open({ kind: "search", everywhere: false }),
      },
      {
        icon: "calendar",
        label: msg("Go to a date"),
        run: () => openDialog({ kind: "go-to-date", roomId: room.roomId }),
      },
      { icon: "link", label: msg("Copy link"), run: () => this.#copy(alias) },
      {
        icon: "fileDown",
        label: msg("Export the conversation"),
        run: () => openDialog({ kind: "export", roomId: room.roomId }),
      },
      {
        icon: "settings",
        label: msg("Room settings"),
        run: () => navigate({ page: "room-settings", room: room.roomId, section: "general" }),
      },
    ] as const;
    return html`<div class="whole scroll">
      <weft-avatar
        seed=${summary?.partner ?? room.roomId}
        name=${name}
        .mxc=${summary?.avatarUrl}
        size="80"
      ></weft-avatar>
      <h3 dir="auto">${name}</h3>
      ${alias === undefined ? nothing : html`<p class="address">${alias}</p>`} ${this.#topic()}
      <ul class="facts">
        <li>${icon("users")} ${count === 1 ? msg("One person") : msg(str`${count} people`)}</li>
        <li>
          ${icon(isEncrypted ? "lock" : "lockOpen")}
          ${isEncrypted ? msg("What is written here is encrypted") : msg("What is written here is not encrypted")}
        </li>
      </ul>
      <div class="ways">
        ${ways.map(
          (way) =>
            html`<button type="button" class="button" @click=${way.run}>
              ${icon(way.icon)} ${way.label}
            </button>`,
        )}
      </div>
    </div>`;
  }

  #open(panel: Panel): void {
    openPanel(this, panel);
  }
}
