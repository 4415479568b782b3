import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** What a page finds that is opened in a browser which keeps this. */
async function openPage(getItem: (key: string) => string | null) {
  vi.stubGlobal("localStorage", { getItem, setItem: getItem });
  const [{ $theme }, { $notifications }] = await Promise.all([
    import("../../src/store/theme.ts"),
    import("../../src/store/notifier.ts"),
  ]);
  return [$theme.get(), $notifications.get()];
}

test.each([
  [{}, ["system", false]],
  [{ "weft.theme": "dark", "weft.notifications": "on" }, ["dark", true]],
  [{ "weft.theme": "light", "weft.notifications": "off" }, ["light", false]],
  [{ "weft.theme": "purple", "weft.notifications": "yes" }, ["system", false]],
])("a browser that keeps %j begins with %j", async (kept: Record<string, string>, expected) => {
  expect(await openPage((key) => kept[key] ?? null)).toEqual(expected);
});

test("a browser that keeps nothing follows the system, shows no notes, and can still be told otherwise", async () => {
  const refuse = (): never => {
    throw new DOMException("not here", "SecurityError");
  };
  expect(await openPage(refuse)).toEqual(["system", false]);
  const { $theme, setTheme } = await import("../../src/store/theme.ts");
  setTheme("dark");
  expect($theme.get()).toBe("dark");
});
