import type { Page } from "playwright-core";

/** Has the page write its rooms to its disk, as when it is left, and waits until rooms are written. */
const SAVE = `new Promise((resolve) => {
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function (...all) {
    const made = transaction.apply(this, all);
    if (all[1] === "readwrite" && all[0].includes("rooms")) {
      made.addEventListener("complete", () => resolve(true));
    }
    return made;
  };
  window.dispatchEvent(new Event("pagehide"));
})`;

/** Has the page keep on its disk all that it knows of its rooms now. */
export async function saveRooms(page: Page): Promise<void> {
  // The first may be one that was under way before.
  await page.evaluate(SAVE);
  await page.evaluate(SAVE);
}
