import { hiddenIn } from "../oauth-api/support.ts";

interface Seen {
  readonly url: string;
  readonly page: string;
}

/** Somebody opens an address that a device shows, signs in there, and lets the device in. */
export async function letDeviceIn(uri: string, username: string, password: string): Promise<void> {
  let cookie = "";

  async function ask(url: string, form?: Record<string, string>): Promise<Seen> {
    const response = await fetch(url, {
      redirect: "manual",
      headers: { cookie },
      ...(form && { method: "POST", body: new URLSearchParams(form) }),
    });
    cookie = response.headers.get("set-cookie")?.split(";")[0] ?? cookie;
    const location = response.headers.get("location");
    if (location !== null) return await ask(new URL(location, url).href);
    return { url, page: await response.text() };
  }

  const entry = await ask(uri);
  const asked = await ask(entry.url, { ...hiddenIn(entry.page), username, password });
  const done = await ask(asked.url, { ...hiddenIn(asked.page), decision: "allow" });
  if (!done.page.includes("is let in")) throw new Error(`not let in: ${done.page}`);
}
