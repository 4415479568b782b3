import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { $dialog, closeDialog, leaveDialog, type DialogRequest } from "../store/dialogs.ts";
import { $route } from "../store/router.ts";
import { report } from "../store/toasts.ts";

type Kind = DialogRequest["kind"];
type Asked<K extends Kind> = Extract<DialogRequest, { kind: K }>;

/** How a kind of window is loaded, and drawn. */
type Windows = {
  [K in Kind]: [
    load: () => Promise<unknown>,
    draw: (client: Client, request: Asked<K>) => TemplateResult,
  ];
};

const WINDOWS: Windows = {
  "create-room": [
    () => import("./create-room.ts"),
    (client, { spaceId }) =>
      html`<weft-create-room .client=${client} .spaceId=${spaceId}></weft-create-room>`,
  ],
  "create-space": [
    () => import("./create-space.ts"),
    (client, { spaceId }) =>
      html`<weft-create-space .client=${client} .spaceId=${spaceId}></weft-create-space>`,
  ],
  "add-rooms": [
    () => import("./add-rooms.ts"),
    (client, { spaceId }) =>
      html`<weft-add-rooms .client=${client} .spaceId=${spaceId}></weft-add-rooms>`,
  ],
  "start-direct": [
    () => import("./pick-users.ts"),
    (client) => html`<weft-pick-users .client=${client}></weft-pick-users>`,
  ],
  invite: [
    () => import("./pick-users.ts"),
    (client, { roomId }) =>
      html`<weft-pick-users .client=${client} .roomId=${roomId}></weft-pick-users>`,
  ],
  join: [() => import("./join.ts"), (client) => html`<weft-join .client=${client}></weft-join>`],
  member: [
    () => import("./member.ts"),
    (client, { roomId, userId }) =>
      html`<weft-member-card
        .client=${client}
        .roomId=${roomId}
        .userId=${userId}
      ></weft-member-card>`,
  ],
  report: [
    () => import("./report.ts"),
    (client, { roomId, eventId }) =>
      html`<weft-report .client=${client} .roomId=${roomId} .eventId=${eventId}></weft-report>`,
  ],
  "report-room": [
    () => import("./report.ts"),
    (client, { roomId, name }) =>
      html`<weft-report .client=${client} .roomId=${roomId} name=${name}></weft-report>`,
  ],
  "report-person": [
    () => import("./report.ts"),
    (client, { userId, name }) =>
      html`<weft-report .client=${client} .userId=${userId} name=${name}></weft-report>`,
  ],
  image: [
    () => import("./image.ts"),
    (_client, { pictures, index }) =>
      html`<weft-image-view .pictures=${pictures} .index=${index}></weft-image-view>`,
  ],
  "go-to-date": [
    () => import("./reading/go-to-date.ts"),
    (client, { roomId }) =>
      html`<weft-go-to-date .client=${client} .roomId=${roomId}></weft-go-to-date>`,
  ],
  export: [
    () => import("./reading/export.ts"),
    (client, { roomId }) => html`<weft-export .client=${client} .roomId=${roomId}></weft-export>`,
  ],
  "edit-history": [
    () => import("./reading/edit-history.ts"),
    (client, { roomId, eventId }) =>
      html`<weft-edit-history
        .client=${client}
        .roomId=${roomId}
        .eventId=${eventId}
      ></weft-edit-history>`,
  ],
  source: [
    () => import("./reading/source.ts"),
    (client, { roomId, eventId }) =>
      html`<weft-source .client=${client} .roomId=${roomId} .eventId=${eventId}></weft-source>`,
  ],
  forward: [
    () => import("./reading/forward.ts"),
    (client, { roomId, eventId }) =>
      html`<weft-forward .client=${client} .roomId=${roomId} .eventId=${eventId}></weft-forward>`,
  ],
  confirm: [
    () => import("./confirm.ts"),
    (_client, request) => html`<weft-confirm .request=${request}></weft-confirm>`,
  ],
  "new-poll": [
    () => import("./poll.ts"),
    (client, { roomId, thread }) =>
      html`<weft-new-poll .client=${client} roomId=${roomId} .thread=${thread}></weft-new-poll>`,
  ],
  reactions: [
    () => import("./reactions.ts"),
    (client, { roomId, eventId }) =>
      html`<weft-who-reacted
        .client=${client}
        .roomId=${roomId}
        .eventId=${eventId}
      ></weft-who-reacted>`,
  ],
  commands: [() => import("./commands.ts"), () => html`<weft-commands></weft-commands>`],
  "encryption-setup": [
    () => import("./encryption/setup.ts"),
    (client, { task }) =>
      html`<weft-encryption-setup
        .client=${client}
        task=${task ?? "set-up"}
      ></weft-encryption-setup>`,
  ],
  "verify-device": [
    () => import("./encryption/verify-device.ts"),
    (client) => html`<weft-verify-device .client=${client}></weft-verify-device>`,
  ],
  verification: [
    () => import("./encryption/verification.ts"),
    (client, { id }) =>
      html`${keyed(id, html`<weft-verification .client=${client} .flow=${id}></weft-verification>`)}`,
  ],
  "key-file": [
    () => import("./encryption/key-file.ts"),
    (client, { way }) => html`<weft-key-file .client=${client} .way=${way}></weft-key-file>`,
  ],
  "room-encryption": [
    () => import("./encryption/room-encryption.ts"),
    (client, { roomId }) =>
      html`<weft-room-encryption .client=${client} .roomId=${roomId}></weft-room-encryption>`,
  ],
  palette: [
    () => import("./palette/palette.ts"),
    (client) => html`<weft-palette .client=${client}></weft-palette>`,
  ],
  shortcuts: [
    () => import("./palette/shortcuts.ts"),
    () => html`<weft-shortcuts></weft-shortcuts>`,
  ],
  act: [() => import("./act.ts"), (_client, { act }) => html`<weft-act .act=${act}></weft-act>`],
  status: [
    () => import("./status.ts"),
    (client) => html`<weft-status .client=${client}></weft-status>`,
  ],
  "sign-out": [
    () => import("./sign-out.ts"),
    (client) => html`<weft-sign-out .client=${client}></weft-sign-out>`,
  ],
};

/** Shows the window that was asked for, and loads it when it is the first of its kind. */
@customElement("weft-dialog-host")
export class WeftDialogHost extends LitElement {
  @property({ attribute: false }) client!: Client;
  #shown: DialogRequest | undefined;

  constructor() {
    super();
    new Watch(this, () => [$dialog]);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.addEventListener("dismiss", closeDialog);
    this.#unroute = $route.listen(leaveDialog);
  }

  #unroute: (() => void) | undefined;

  override disconnectedCallback(): void {
    this.#unroute?.();
    closeDialog();
    super.disconnectedCallback();
  }

  override willUpdate(): void {
    const request = $dialog.get();
    if (request !== undefined && request !== this.#shown) WINDOWS[request.kind][0]().catch(report);
    this.#shown = request;
  }

  override render(): TemplateResult | typeof nothing {
    const request = $dialog.get();
    return request === undefined ? nothing : draw(this.client, request);
  }
}

function draw<K extends Kind>(client: Client, request: Asked<K>): TemplateResult {
  return WINDOWS[request.kind][1](client, request);
}
