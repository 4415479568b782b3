import axe from "axe-core";
import { html, render, type TemplateResult } from "lit";
import { atom } from "nanostores";
import { expect } from "vitest";
import type { Api } from "../../src/api/index.ts";
import { ProvideClient } from "../../src/controllers/context.ts";
import { noEncryption } from "../unit/no-encryption.ts";
import type { Encryption } from "../../src/encryption/port.ts";
import type { Client } from "../../src/store/client.ts";
import { createDrafts } from "../../src/store/drafts.ts";
import { createHistory } from "../../src/store/history.ts";
import { createMediaCache } from "../../src/store/media-cache.ts";
import { createOutbox } from "../../src/store/outbox.ts";
import { RoomStore } from "../../src/store/room-store.ts";
import type { Indexing } from "../../src/store/search/indexing.ts";
import type { SyncEngine, SyncStatus } from "../../src/store/sync-engine.ts";
import { LitElement } from "lit";
import { createEvents } from "../unit/events.ts";
import "../../src/styles/page.css";

export const ME = "@me:one";
export const ANN = "@ann:two";
export const ROOM = "!room:one";

interface Call {
  name: string;
  args: unknown[];
}

/** An API whose operations answer from a table (default: an empty object) and are noted down. */
function createFakeApi(answers: Record<string, (...args: never[]) => unknown>) {
  const calls: Call[] = [];
  const part = (prefix: string): unknown =>
    new Proxy(
      {},
      {
        get:
          (_, name: string) =>
          (...args: never[]) => {
            const operation = `${prefix}.${name}`;
            calls.push({ name: operation, args });
            // The one operation that answers at once, with a promise and a way to stop it.
            if (operation === "media.upload") return answers[operation]?.(...args);
            return new Promise((resolve) => resolve(answers[operation]?.(...args) ?? {}));
          },
      },
    );
  const api = {
    presence: part("presence"),
    reading: part("reading"),
    rooms: part("rooms"),
    account: part("account"),
    directory: part("directory"),
    contact: part("contact"),
    media: part("media"),
    notify: part("notify"),
    notes: part("notes"),
    sync: part("sync"),
  };
  return { api: api as Api, calls };
}

/** A device that keeps nothing to be searched. */
const noIndexing: Indexing = {
  note: () => undefined,
  drop: () => undefined,
  open: () => Promise.reject(new Error("no index")),
  about: () => Promise.resolve(undefined),
  close: () => Promise.resolve(),
};

/** A client whose stores and logic are the real ones; only the network is played. */
export function createTestClient(
  answers: Record<string, (...args: never[]) => unknown> = {},
  encryption: Encryption = noEncryption("D"),
) {
  let sent = 0;
  const { api, calls } = createFakeApi({
    "rooms.send": () => ({ event_id: `$sent${++sent}` }),
    "rooms.members": (roomId: string) =>
      [...store.ensure(roomId).stateOf("m.room.member").values()].filter(
        ({ content }) => content["membership"] !== "leave",
      ),
    "rooms.messages": () => ({ chunk: [] }),
    "account.mayAdminister": () => false,
    ...answers,
  });
  const store = new RoomStore(ME);
  const $status = atom<SyncStatus>("live");
  const outbox = createOutbox({
    api: api.rooms,
    me: ME,
    onChange(room) {
      room.changed("$timeline");
      store.refresh([room.roomId]);
    },
  });
  const client: Client = {
    session: { baseUrl: "", userId: ME, deviceId: "D", accessToken: "t" },
    api,
    store,
    sync: {
      $status,
      $presence: atom("online"),
      $hasAll: atom(true),
      hasAll: () => Promise.resolve(),
      retryNow: () => undefined,
    } as unknown as SyncEngine,
    outbox,
    drafts: createDrafts(undefined),
    history: createHistory(api, store),
    media: createMediaCache(api.media),
    encryption,
    indexing: noIndexing,
    close: () => Promise.resolve(),
  };
  return { client, store, calls, $status, make: createEvents() };
}

/** Hands the client to the elements in it. */
class WeftTestProvider extends LitElement {
  client: Client | undefined;
  constructor() {
    super();
    new ProvideClient(this, () => this.client);
  }
  override render() {
    return html`<slot></slot>`;
  }
}
customElements.define("weft-test-provider", WeftTestProvider);

let stage: HTMLElement | undefined;

/** Draws something on an empty page and waits till it stands. */
export async function show(template: TemplateResult, client?: Client): Promise<HTMLElement> {
  stage?.remove();
  stage = document.createElement("div");
  stage.style.cssText = "height:100vh;overflow:auto";
  document.documentElement.lang = "en";
  document.title = "Test";
  document.body.append(stage);
  render(html`<weft-test-provider .client=${client}>${template}</weft-test-provider>`, stage);
  await settled();
  return stage;
}

/** A few frames: elements within elements have drawn themselves. */
export async function settled(): Promise<void> {
  for (let frame = 0; frame < 6; frame++)
    await new Promise((resolve) => requestAnimationFrame(resolve));
}

/** The element that has the keyboard, through all shadow roots. */
export function focused(): Element | null {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  return at;
}

/** Whether the browser carries an animation on: it does not within what is closed, such as `<details>`. */
function isShown({ effect }: Animation): boolean {
  return effect instanceof KeyframeEffect && effect.target?.checkVisibility() === true;
}

/** The animations that will end, in a tree and its shadows. */
function passing(root: Document | ShadowRoot): Animation[] {
  const inside = [...root.querySelectorAll("*")].flatMap(({ shadowRoot }) =>
    shadowRoot === null ? [] : passing(shadowRoot),
  );
  const own = root.getAnimations().filter((one) => one.playState === "running" && isShown(one));
  const ending = own.filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
  return [...ending, ...inside];
}

/** No violation of WCAG 2 A and AA, or of the best practices, on what is shown; in both themes. */
export async function expectAccessible(): Promise<void> {
  for (const theme of ["light", "dark"]) {
    document.documentElement.dataset["theme"] = theme;
    await settled();
    // Colours pass over into one another.
    await Promise.all(passing(document).map((animation) => animation.finished.catch(() => null)));
    const { violations } = await axe.run(document, {
      rules: {
        region: { enabled: false },
        "page-has-heading-one": { enabled: false },
        "landmark-one-main": { enabled: false },
      },
    });
    const told = violations.map(
      ({ id, nodes }) =>
        `${theme} ${id}: ${nodes.map((node) => node.html.slice(0, 160)).join("\n")}`,
    );
    expect(told).toEqual([]);
  }
}
