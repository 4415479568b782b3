import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { Watch } from "../controllers/watch.ts";
import type { Client } from "../store/client.ts";
import { $dialog, closeDialog, leaveDialog, type DialogRequest } from "../store/dialogs.ts";
import { $route } from "../store/router.ts";
import { report } from "../store/toasts.ts";

const LOADERS: Record<DialogRequest["kind"], () => Promise<unknown>> = {
  "create-room": () => import("./create-room.ts"),
  "start-direct": () => import("./pick-users.ts"),
  invite: () => import("./pick-users.ts"),
  join: () => import("./join.ts"),
  "room-settings": () => import("./room-settings.ts"),
  member: () => import("./member.ts"),
  report: () => import("./report.ts"),
  image: () => import("./image.ts"),
  confirm: () => import("./confirm.ts"),
  commands: () => import("./commands.ts"),
  "encryption-setup": () => import("./encryption/setup.ts"),
  "verify-device": () => import("./encryption/verify-device.ts"),
  verification: () => import("./encryption/verification.ts"),
  "key-file": () => import("./encryption/key-file.ts"),
  "room-encryption": () => import("./encryption/room-encryption.ts"),
  "sign-out": () => import("./sign-out.ts"),
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
    if (request !== undefined && request !== this.#shown) LOADERS[request.kind]().catch(report);
    this.#shown = request;
  }

  override render(): TemplateResult | typeof nothing {
    const request = $dialog.get();
    return request === undefined ? nothing : this.#window(request);
  }

  // oxlint-disable-next-line consistent-return -- the switch knows every kind
  #window(request: DialogRequest): TemplateResult {
    const { client } = this;
    switch (request.kind) {
      case "create-room":
        return html`<weft-create-room .client=${client}></weft-create-room>`;
      case "join":
        return html`<weft-join .client=${client}></weft-join>`;
      case "start-direct":
        return html`<weft-pick-users .client=${client}></weft-pick-users>`;
      case "invite":
        return html`<weft-pick-users
          .client=${client}
          .roomId=${request.roomId}
        ></weft-pick-users>`;
      case "room-settings":
        return html`<weft-room-settings
          .client=${client}
          .roomId=${request.roomId}
        ></weft-room-settings>`;
      case "member":
        return html`<weft-member-card
          .client=${client}
          .roomId=${request.roomId}
          .userId=${request.userId}
        ></weft-member-card>`;
      case "report":
        return html`<weft-report
          .client=${client}
          .roomId=${request.roomId}
          .eventId=${request.eventId}
        ></weft-report>`;
      case "image":
        return html`<weft-image-view .shown=${request}></weft-image-view>`;
      case "confirm":
        return html`<weft-confirm .request=${request}></weft-confirm>`;
      case "commands":
        return html`<weft-commands></weft-commands>`;
      case "sign-out":
        return html`<weft-sign-out .client=${client}></weft-sign-out>`;
      case "encryption-setup":
        return html`<weft-encryption-setup
          .client=${client}
          task=${request.task ?? "set-up"}
        ></weft-encryption-setup>`;
      case "verify-device":
        return html`<weft-verify-device .client=${client}></weft-verify-device>`;
      case "verification":
        return html`${keyed(
          request.id,
          html`<weft-verification .client=${client} .flow=${request.id}></weft-verification>`,
        )}`;
      case "key-file":
        return html`<weft-key-file .client=${client} .way=${request.way}></weft-key-file>`;
      case "room-encryption":
        return html`<weft-room-encryption
          .client=${client}
          .roomId=${request.roomId}
        ></weft-room-encryption>`;
    }
  }
}
