import { html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { guardFocus } from "../../src/elements/focus-guard.ts";
import { eventually } from "../unit/eventually.ts";
import { focused, show } from "./support.ts";
import "../../src/elements/dialog.ts";

/** A place with a button that can go, be hidden, or be out of use, in a shadow root as everything is. */
@customElement("x-place")
class Place extends LitElement {
  @property() how: "there" | "gone" | "hidden" | "disabled" = "there";

  override render() {
    const button = html`<button
      ?hidden=${this.how === "hidden"}
      ?disabled=${this.how === "disabled"}
    >
      Do it
    </button>`;
    return html`<div class="list" tabindex="-1">${this.how === "gone" ? "" : button}</div>
      <p>Beside everything</p>`;
  }
}

let end: () => void;
beforeEach(() => (end = guardFocus()));
afterEach(() => end());

const place = () => document.querySelector<Place>("x-place")!;
const button = () => page.getByRole("button", { name: "Do it" });
const frames = async (count: number) => {
  for (let frame = 0; frame < count; frame += 1) await new Promise(requestAnimationFrame);
};

async function open() {
  await show(html`<main><x-place></x-place></main>`);
  await expect.element(button()).toBeVisible();
  (button().element() as HTMLElement).focus();
  await frames(2);
}

test.each(["gone", "hidden", "disabled"] as const)(
  "what is %s gives the keyboard to what is around it",
  async (how) => {
    await open();
    place().how = how;
    await eventually(() => expect(focused()?.className).toBe("list"));
  },
);

test("what can be used again has the keyboard again, unless it went elsewhere meanwhile", async () => {
  await open();
  place().how = "disabled";
  await eventually(() => expect(focused()?.className).toBe("list"));
  place().how = "there";
  await eventually(() => expect(focused()?.textContent?.trim()).toBe("Do it"));
  place().how = "disabled";
  await eventually(() => expect(focused()?.className).toBe("list"));
  const other = document.createElement("input");
  document.querySelector("main")!.append(other);
  other.focus();
  await frames(2);
  place().how = "there";
  await frames(10);
  expect(focused()).toBe(other);
});

test("a button that takes itself away when it is pressed leaves the keyboard to what is around it", async () => {
  await open();
  // Within the same shadow root the document is told nothing of the keyboard's ways.
  const own = document.createElement("button");
  own.textContent = "Away";
  own.addEventListener("click", () => own.remove());
  place().renderRoot.querySelector(".list")!.append(own);
  await frames(10);
  await userEvent.click(page.getByRole("button", { name: "Away" }));
  await eventually(() => expect(focused()?.className).toBe("list"));
});

test("whoever takes something away may give the keyboard on by themselves", async () => {
  await open();
  const other = document.createElement("input");
  document.querySelector("main")!.append(other);
  place().how = "gone";
  await place().updateComplete;
  other.focus();
  await frames(10);
  expect(focused()).toBe(other);
});

test("who clicks beside everything has the keyboard nowhere, whatever goes then", async () => {
  await open();
  await userEvent.click(page.getByText("Beside everything"));
  await frames(10);
  expect(focused()).not.toBe(button().element());
  const before = focused();
  place().how = "gone";
  await frames(10);
  expect(focused()).toBe(before);
});

test("in a window it stays in the window", async () => {
  await open();
  await show(
    html`<main><button>Behind</button></main>
      <weft-dialog heading="Words"><button class="last">Only once</button></weft-dialog>`,
  );
  const once = page.getByRole("button", { name: "Only once" });
  await expect.element(once).toBeVisible();
  (once.element() as HTMLElement).focus();
  await frames(2);
  once.element().remove();
  await eventually(() => expect(focused()?.closest("dialog")).not.toBeNull());
});
