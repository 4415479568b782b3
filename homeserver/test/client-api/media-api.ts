/** One server, files that go up to it, and come down. */
import { afterAll, beforeAll } from "vitest";
import { openApi, type TestApi } from "./support.ts";

export let t: TestApi;
export let token: string;

beforeAll(async () => {
  t = await openApi();
  token = (await t.register("alice")).access_token;
});

afterAll(() => t.close());

export async function upload(content: Buffer | string, type?: string, name = "") {
  return await t.inject({
    method: "POST",
    url: `/_matrix/media/v3/upload${name && `?filename=${encodeURIComponent(name)}`}`,
    payload: content,
    headers: { authorization: `Bearer ${token}`, ...(type && { "content-type": type }) },
  });
}

export async function uploaded(...args: Parameters<typeof upload>): Promise<string> {
  const { body } = await upload(...args);
  return body.content_uri.slice("mxc://".length);
}

export const get = (
  path: string,
  headers: Record<string, string> = {},
  method: "GET" | "HEAD" = "GET",
) =>
  t.inject({
    method,
    url: `/_matrix/client/v1/media/${path}`,
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
