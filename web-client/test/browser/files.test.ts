import { beforeEach, describe, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import type { WeftComposer } from "../../src/elements/composer.ts";
import { eventually } from "../unit/eventually.ts";
import { openRoom } from "./open-room.ts";
import { expectAccessible } from "./support.ts";

beforeEach(async () => {
  await page.viewport(1000, 700);
});

describe("files", () => {
  /** An upload that the test finishes, with a server that takes at most 1000 bytes. */
  function uploading() {
    const upload = {
      finish: (_mxc: string): void => undefined,
      progress: (_share: number): void => undefined,
      cancelled: false,
    };
    const answers = {
      "media.uploadLimit": () => 1000,
      "media.upload": (_file: File, _name: string, onProgress: (share: number) => void) => {
        upload.progress = onProgress;
        const done = new Promise<string>((resolve, reject) => {
          upload.finish = resolve;
          Object.assign(upload, { reject });
        });
        const cancel = (): void => {
          upload.cancelled = true;
          (upload as unknown as { reject(error: unknown): void }).reject(
            new DOMException("", "AbortError"),
          );
        };
        return { done, cancel };
      },
    };
    return { upload, answers };
  }

  function choose(stage: HTMLElement, ...files: File[]): void {
    const room = stage.querySelector("weft-room")!.shadowRoot!;
    room.querySelector<WeftComposer>("weft-composer")!.addFiles(files);
  }

  const send = () => page.getByRole("button", { name: "Send", exact: true });

  test("wait till they are sent, show how far they are, and become messages", async () => {
    const { upload, answers } = uploading();
    const { stage, calls } = await openRoom(answers);
    choose(stage, new File(["hello"], "notes.txt", { type: "text/plain" }));
    await expect.element(page.getByText("notes.txt")).toBeVisible();
    expect(calls.some(({ name }) => name === "media.upload")).toBe(false);
    await expectAccessible();
    await userEvent.click(send());
    await eventually(() => expect(calls.some(({ name }) => name === "media.upload")).toBe(true));
    upload.progress(0.4);
    await expect.element(page.getByText("40 %")).toBeVisible();
    await expectAccessible();
    upload.finish("mxc://one/abc");
    await eventually(() => expect(calls.some(({ name }) => name === "rooms.send")).toBe(true));
    expect(calls.find(({ name }) => name === "rooms.send")!.args[3]).toMatchObject({
      msgtype: "m.file",
      body: "notes.txt",
      url: "mxc://one/abc",
      info: { size: 5, mimetype: "text/plain" },
    });
    expect(page.getByRole("list", { name: "Files to send" }).elements()).toHaveLength(0);
  });

  test("can be stopped on their way", async () => {
    const { upload, answers } = uploading();
    const { stage, calls } = await openRoom(answers);
    choose(stage, new File(["hello"], "notes.txt", { type: "text/plain" }));
    await userEvent.click(send());
    await eventually(() => expect(calls.some(({ name }) => name === "media.upload")).toBe(true));
    await userEvent.click(page.getByRole("button", { name: "Cancel notes.txt" }));
    expect(upload.cancelled).toBe(true);
    expect(page.getByRole("list", { name: "Files to send" }).elements()).toHaveLength(0);
    expect(calls.some(({ name }) => name === "rooms.send")).toBe(false);
  });

  test("that are too large for the server are not even begun", async () => {
    const { answers } = uploading();
    const { stage, calls } = await openRoom(answers);
    choose(stage, new File([new Uint8Array(2000)], "big.bin"));
    await userEvent.click(send());
    await expect.element(page.getByText("Not sent")).toBeVisible();
    expect(calls.some(({ name }) => name === "media.upload")).toBe(false);
  });
});
