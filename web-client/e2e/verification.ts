import type { Locator, Page } from "playwright-core";

/** How people verify one another in the web client, as functions on Playwright pages. */

const dialog = (page: Page): Locator => page.locator("weft-dialog");
const button = (page: Page, name: string): Locator =>
  dialog(page).getByRole("button", { name, exact: true });

/** Opens the direct chat with someone. */
export async function writeTo(page: Page, userId: string): Promise<void> {
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.getByRole("menuitem", { name: "Write to someone" }).click();
  await dialog(page).getByLabel("Name or address").fill(userId);
  await button(page, "Open chat").click();
  await dialog(page).waitFor({ state: "detached" });
}

/** Asks someone in the open room to verify, by their card. */
export async function askToVerify(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: /^People, / }).click();
  const panel = page.locator("weft-room-panel");
  await panel.getByRole("button", { name: new RegExp(`^${name}`) }).click();
  await button(page, "Verify").click();
  await page.getByText(`Waiting for ${name} to accept…`).waitFor();
  await panel.getByRole("button", { name: "Close", exact: true }).dispatchEvent("click");
}

/** Takes the request that stands at the edge of the page. */
export async function acceptRequest(page: Page): Promise<void> {
  const asked = page.getByRole("region", { name: "Requests to verify" });
  await asked.getByRole("button", { name: "Verify" }).click();
}

/** The names of the seven emoji, once they are shown. */
export async function emojiShown(page: Page): Promise<string[]> {
  const list = dialog(page).getByRole("list", { name: "The emoji to compare" });
  await list.getByRole("listitem").nth(6).waitFor();
  return list.getByRole("listitem").allInnerTexts();
}

/** Chooses to compare emoji, on one side of the two. */
export async function chooseEmoji(page: Page): Promise<void> {
  await button(page, "Compare emoji").click();
}

/** Says that the emoji are the same. */
export async function theyMatch(page: Page): Promise<void> {
  await button(page, "They match").click();
}

/** Says that they are not. */
export async function theyDiffer(page: Page): Promise<void> {
  await button(page, "They differ").click();
}

/** Leaves the window of a verification that went well. */
export async function leaveVerified(page: Page): Promise<void> {
  await button(page, "Done").click();
  await dialog(page).waitFor({ state: "detached" });
}

/** Waits until the verification has failed with these words, and leaves its window. */
export async function leaveFailed(page: Page, words: RegExp): Promise<void> {
  await dialog(page).getByText(words).waitFor();
  await dialog(page).getByRole("button", { name: "Close", exact: true }).last().click();
  await dialog(page).waitFor({ state: "detached" });
}

/** Holds one page's QR code in front of the other one's camera, which is played by a picture. */
export async function scanCode(shows: Page, scans: Page): Promise<void> {
  const code = dialog(shows).getByRole("img", { name: /QR code/ });
  const picture = (await code.screenshot()).toString("base64");
  // As text: it runs in the page, whose globals tests in Node do not know.
  await scans.evaluate(`(async () => {
    const image = new Image();
    image.src = "data:image/png;base64,${picture}";
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 480];
    const context = canvas.getContext("2d");
    setInterval(() => {
      context.fillStyle = "#fff";
      context.fillRect(0, 0, 640, 480);
      context.drawImage(image, 130, 50, 380, 380);
    }, 100);
    navigator.mediaDevices.getUserMedia = async () => canvas.captureStream();
  })()`);
  await button(scans, "Scan their code").click();
  await button(shows, "Yes").click();
}

/** Gives up one's identity in the settings, and makes another. */
export async function resetIdentity(page: Page, password: string): Promise<void> {
  await page.getByRole("button", { name: "Reset…" }).click();
  await button(page, "Reset anyway").click();
  await button(page, "Reset").click();
  await dialog(page).getByLabel("Password", { exact: true }).fill(password);
  await button(page, "Continue").click();
  await dialog(page).getByRole("textbox", { name: "Recovery key" }).waitFor();
  await dialog(page).getByLabel("I have put it somewhere safe").check();
  await button(page, "Done").click();
  await dialog(page).waitFor({ state: "detached" });
}
